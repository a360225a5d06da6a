"""What is passed on and its answers as people read them: no vectors, no sound, no file's content. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.openai.transcript import OpenAITranscript
from addons.dialects.transcript import FrameReader, Passage, all_but, as_text, one_line, shortened
from providers.formats.jsontext import loads

_SHOWN: Final = 400
"""Characters of one field."""
_ODD: Final = 8
"""So many letters that were no text, at the beginning, are those of sound."""


class PassedTranscript:
    """The Transcript of endpoints that are passed on."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        """The fields; of a form, how large it is."""
        if body.startswith("--"):
            yield f"a form of {len(body)} characters"
            return
        raw = loads(body.encode("utf-8", "surrogatepass")) if body else {}
        if not isinstance(raw, dict):
            yield from ("the client's request is no JSON object:", shortened(body))
            return
        for name, value in raw.items():
            if name != "model":
                yield Passage(shortened(name, 40), shortened(as_text(value), _SHOWN))

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        if delivered[:_SHOWN].count("�") >= _ODD:
            yield f"({len(delivered)} characters that are no text)"
        elif said := all_but(delivered, held):
            yield Passage("answer", shortened(said))

    def error_of(self, delivered: str) -> str:
        return OpenAITranscript().error_of(delivered)

    def frames(self) -> FrameReader:
        return _Frames()


class _Frames:
    def __init__(self) -> None:
        self.head: list[str] = []

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        told = {name: shortened(value, 80) if isinstance(value, str) else value for name, value in frame.items()}
        return [one_line(as_text(told))]
