"""The dialect of POST /v1/chat/completions."""

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import Reading
from addons.dialects.chat_completions.request import parse_chat, read_chat
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole


class ChatCompletions:
    name = "chat_completions"
    path = "/v1/chat/completions"

    def answer_id(self, request_id: str) -> str:
        return f"chatcmpl-{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int) -> Reading[ParsedRequest]:
        return read_chat(body, most_values)

    def parse(self, body: bytes) -> ParsedRequest:
        return parse_chat(body)

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        return ChatStream(meta, include_usage=parsed.include_usage) if parsed.chat.stream else ChatWhole(meta)
