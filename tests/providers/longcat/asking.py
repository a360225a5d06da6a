"""Asking for LongCat chats, and what is told of them in one form, streamed or whole."""

import json
from typing import Any

import httpx
import openai

BOTH = "LongCat-Thinking-Search"
CHAT, CREATE = "/api/v1/chat-completion-V2", "/api/v1/session-create"
THOUGHT, WORDS = "I think 🌏 so. And on and on.", "One two three four. 你好 “quoted” 🌍 more of it."
TOLD = f"!sandbox pace_ms=0 reasoning='{THOUGHT}' text='{WORDS}'"
URLS = ["https://example.com/times", "https://example.com/daily?a=1&b=2"]


def streamed(client: openai.OpenAI, prompt: str, model: str = "LongCat", **more: Any) -> tuple[Any, ...]:
    """Text, reasoning, finish reason, all tokens and cited addresses of a streamed answer."""
    text = reasoning = ""
    reason = tokens = None
    urls: list[str] = []
    messages: Any = [{"role": "user", "content": prompt}]
    options: Any = {"include_usage": True}
    for chunk in client.chat.completions.create(
        model=model, messages=messages, stream=True, stream_options=options, **more
    ):
        tokens = chunk.usage.total_tokens if chunk.usage else tokens
        for choice in chunk.choices:
            delta: Any = choice.delta
            text += delta.content or ""
            reasoning += getattr(delta, "reasoning_content", None) or ""
            urls += [note["url_citation"]["url"] for note in getattr(delta, "annotations", None) or []]
            reason = choice.finish_reason or reason
    return text, reasoning, reason, tokens, urls


def whole(client: openai.OpenAI, prompt: str, model: str = "LongCat", **more: Any) -> tuple[Any, ...]:
    """The same of an answer that is not streamed."""
    messages: Any = [{"role": "user", "content": prompt}]
    answer = client.chat.completions.create(model=model, messages=messages, **more)
    choice = answer.choices[0]
    urls = [note.url_citation.url for note in choice.message.annotations or []]
    reasoning = getattr(choice.message, "reasoning_content", None) or ""
    tokens = answer.usage.total_tokens if answer.usage else None
    return choice.message.content or "", reasoning, choice.finish_reason, tokens, urls


def posted(http: httpx.Client, prompt: str, *, stream: bool = True, model: str = "LongCat") -> httpx.Response:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    return http.post("/v1/chat/completions", json=body)


def streamed_text(answer: httpx.Response) -> str:
    chunks = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ()))
