"""Events gathered into one chat completion."""

from collections.abc import Sequence
from typing import Any

from addons.dialects.base import AnswerMeta, WholeEncoder
from addons.dialects.chat_completions.tool_calls import ToolCalls, merged
from addons.dialects.openai.answer import (
    CITATIONS_LIMIT,
    annotations,
    extension_fields,
    image_markdown,
    image_part,
    merged_logprobs,
    usage_object,
)
from addons.dialects.text import joined, json_bytes
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    FinishReason,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)


class _Choice:
    def __init__(self, answer: str, index: int) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.tools = ToolCalls(answer, index)
        self.calls: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self.message: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.reason: FinishReason = "stop"

    def rendered(self, index: int, citations: Sequence[Citation]) -> dict[str, Any]:
        content: str | None = joined("".join(self.text))
        if not content and (self.calls or self.message.get("refusal") or self.message.get("function_call")):
            content = None
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, **self.message}
        if self.reasoning:
            message["reasoning_content"] = joined("".join(self.reasoning))
        if self.calls:
            message["tool_calls"] = merged([*self.calls, *self.tools.rest()])
        if self.images:
            told = message.get("images")
            message["images"] = [*(told if isinstance(told, list) else ()), *self.images]
        if citations:
            known = message.get("annotations")
            message["annotations"] = [*(known if isinstance(known, list) else ()), *annotations(citations)]
        fields = {"logprobs": None, **self.fields}
        return {"index": index, "message": message, **fields, "finish_reason": self.reason}


class ChatWhole(WholeEncoder):
    """The Encoder of whole answers of /v1/chat/completions."""

    def __init__(self, meta: AnswerMeta) -> None:
        self._meta = meta
        self._id = meta.id
        self._choices: dict[int, _Choice] = {0: _Choice(meta.id, 0)}
        self._citations: list[Citation] = []
        self._usage = Usage(0, 0, 0)
        self._extra: dict[str, Any] = {}

    def _add(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Text():
                    self._choice(event.choice).text.append(event.text)
                case Reasoning():
                    self._choice(event.choice).reasoning.append(event.text)
                case Withdrawn():
                    self._choice(0).text.clear()
                    self._choice(0).reasoning.clear()
                    self._choice(0).images.clear()
                    self._citations.clear()
                case ToolCallDelta():
                    choice = self._choice(event.choice)
                    choice.calls.append(choice.tools.fragment(event))
                case Citation():
                    if len(self._citations) < CITATIONS_LIMIT:
                        self._citations.append(event)
                case Image():
                    self._add_picture(event)
                case Usage():
                    self._usage = event
                case Passthrough():
                    self._merge(event)
                case Finish():
                    reasons = dict.fromkeys(self._choices, event.reason) | dict(event.others)
                    for index, reason in reasons.items():
                        self._choice(index).reason = reason
                case Failure():
                    pass  # the caller's to tell; there is no half answer

    def _result(self) -> bytes:
        choices = [
            choice.rendered(index, self._citations if index == 0 else ())
            for index, choice in sorted(self._choices.items())
        ]
        completion: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._meta.created,
            "model": self._meta.model,
            "choices": choices,
            "usage": usage_object(self._usage),
            **self._extra,
        }
        return json_bytes(completion)

    def _choice(self, index: int) -> _Choice:
        if index not in self._choices:
            self._choices[index] = _Choice(self._meta.id, index)
        return self._choices[index]

    def _add_picture(self, image: Image) -> None:
        choice = self._choice(image.choice)
        if choice.text and not choice.text[-1].endswith("\n"):
            choice.text.append("\n\n")
        choice.text.append(image_markdown(image) + "\n")
        choice.images.append(image_part(image, len(choice.images)))

    def _merge(self, extra: Passthrough) -> None:
        if extra.scope == "chunk":
            self._id = extra.fields.get("id", self._id)
        choice = self._choice(extra.choice)
        place = {"chunk": self._extra, "choice": choice.fields, "delta": choice.message}[extra.scope]
        for name, value in extension_fields(extra.scope, extra.fields).items():
            known = place.get(name)
            if extra.scope == "delta" and isinstance(known, str) and isinstance(value, str):
                place[name] = known + value  # a refusal comes in pieces, like text
            elif name == "logprobs":
                place[name] = merged_logprobs(known, value)
            else:
                place[name] = value
