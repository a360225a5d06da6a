"""The dialect of the legacy POST /v1/completions: one prompt in, plain text out.

Reasoning, tool calls and citations have no place in this form and are left out of the answer. Without `max_tokens` the
answer is as long as the model makes it (OpenAI's old models stopped after 16 tokens).
"""

from dataclasses import replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from addons.dialects.base import AnswerMeta, ParsedRequest
from addons.dialects.body import bad, read_object, validated
from addons.dialects.chat_request import to_parsed
from addons.dialects.chat_schema import FRACTIONLESS, Count
from addons.dialects.completions_answer import TextStream, TextWhole

_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "suffix": (None, ""),
    "echo": (None, False),
    "best_of": (None, 1),
    "n": (None, 1),
    "logprobs": (None,),  # 0 asks for the chosen tokens' own
    "tools": (None, []),
    "functions": (None, []),
}
"""Fields that no chat model can honour in this form, with the values that change nothing."""


class CompletionBody(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: StrictStr = Field(min_length=1, max_length=256)
    prompt: StrictStr | Annotated[list[StrictStr], Field(min_length=1, max_length=1)]
    stream: StrictBool | None = None
    max_tokens: Count | None = None
    suffix: StrictStr | None = None
    echo: StrictBool | None = None
    best_of: Count | None = None
    n: Count | None = None
    logprobs: Annotated[int, Field(strict=True, ge=0), FRACTIONLESS] | None = None


class Completions:
    def parse(self, body: bytes) -> ParsedRequest:
        raw = read_object(body)
        form = validated(CompletionBody, raw)
        for name, neutral in _NEUTRAL.items():
            if raw.get(name) not in neutral:
                raise bad(f"{name} is not supported by /v1/completions for chat models", name, "unsupported_parameter")
        prompt = form.prompt if isinstance(form.prompt, str) else form.prompt[0]
        rest = {name: value for name, value in raw.items() if name != "prompt" and name not in _NEUTRAL}
        rest["messages"] = [{"role": "user", "content": prompt}]
        parsed = to_parsed(rest)
        return replace(parsed, fields=frozenset(name for name, value in raw.items() if value is not None))

    def stream(self, parsed: ParsedRequest, meta: AnswerMeta) -> TextStream:
        return TextStream(_text_meta(meta), include_usage=parsed.include_usage)

    def whole(self, parsed: ParsedRequest, meta: AnswerMeta) -> TextWhole:
        return TextWhole(_text_meta(meta))


def _text_meta(meta: AnswerMeta) -> AnswerMeta:
    return replace(meta, id="cmpl-" + meta.id.removeprefix("chatcmpl-"))
