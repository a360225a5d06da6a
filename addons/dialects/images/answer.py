"""Events to answers of /v1/images: one document, or the frames of an API that streams its pictures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from addons.dialects.base import AnswerMeta, WholeEncoder
from addons.dialects.text import joined, json_bytes
from providers.contract.events import Event, Image, Usage, Verbatim, Withdrawn

_BASE64: Final = ";base64,"


class PicturesWhole(WholeEncoder):
    """The Encoder of whole answers: the provider's own document, or one made of its pictures."""

    def __init__(self, meta: AnswerMeta) -> None:
        self._created = meta.created
        self._own: list[bytes] = []
        self._pictures: list[Image] = []
        self._usage: Usage | None = None

    def _add(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Verbatim(data):
                    self._own.append(data)
                case Image():
                    self._pictures.append(event)
                case Withdrawn():
                    self._pictures.clear()
                case Usage():
                    self._usage = event

    def _result(self) -> bytes:
        if self._own:
            return b"".join(self._own)
        told: dict[str, Any] = {"created": self._created, "data": [_datum(picture) for picture in self._pictures]}
        if self._usage is not None:
            told["usage"] = _usage_object(self._usage)
        return json_bytes(told)


def _datum(picture: Image) -> Mapping[str, str]:
    """A picture as OpenAI's answers have it: its content where it is at hand, else its address."""
    head, base64, content = picture.url.partition(_BASE64)
    found = {"b64_json": content} if base64 and head.startswith("data:") else {"url": picture.url}
    return found | ({"revised_prompt": joined(picture.alt)} if picture.alt else {})


def _usage_object(usage: Usage) -> Mapping[str, Any]:
    """OpenAI's usage object of pictures."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"text_tokens": usage.prompt_tokens, "image_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
