"""Asking Qwen through a gateway, for the wire tests."""

import json
from typing import Any

import httpx
import openai

from tests.support.sdk import gathered, say
from tests.support.served import Served

PLUS, MAX = "qwen3.7-plus", "qwen3.8-max"
WORDS, SAID = "One two three four. 你好 “quoted” more and more of it.", "I think 🌏 so."
SCRIPT = f"!sandbox pace_ms=0 text='{WORDS}' reasoning='{SAID}'"


def streamed(client: openai.OpenAI, model: str, prompt: str) -> tuple[str, str, str | None]:
    return gathered(say(client, model, prompt, stream=True))


def chat(prompt: str, *, model: str = PLUS, stream: bool = True) -> dict[str, Any]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def posted(gateway: Served, prompt: str, *, model: str = PLUS, stream: bool = True) -> httpx.Response:
    return gateway.post(chat(prompt, model=model, stream=stream))


def told(answer: httpx.Response) -> tuple[str, str, int]:
    """Text, reasoning and tokens of an answer, streamed or whole."""
    text, reasoning, tokens = "", "", 0
    lines = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    for piece in lines or [answer.json()]:
        tokens = (piece.get("usage") or {}).get("total_tokens", tokens)
        for choice in piece["choices"]:
            message = choice.get("delta") or choice.get("message") or {}
            text += message.get("content") or ""
            reasoning += message.get("reasoning_content") or ""
    return text, reasoning, tokens
