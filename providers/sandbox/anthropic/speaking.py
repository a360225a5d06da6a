"""What the model behind the Messages stand-in says to a request, as an Answer. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from providers.sandbox.anthropic.answer import Answer
from providers.sandbox.anthropic.reading import blocks_of, newest_words, read_body, searches
from providers.sandbox.anthropic.signatures import sign
from providers.sandbox.anthropic.tokens import Prompt
from providers.sandbox.models import obedient
from providers.sandbox.models.shown import Said, Shown
from providers.sandbox.script import Script, greeting, read_script

_FOUND: Final = {
    "type": "web_search_result",
    "title": "Sandbox news",
    "url": "https://news.example/sandbox",
    "encrypted_content": "c2FuZGJveA==",
    "page_age": "1 day ago",
}
_SEARCH: Final = re.compile(r"\bsearch\b", re.IGNORECASE)
STOPS: Final = {"refusal": "refusal", "pause": "pause_turn", "window": "model_context_window_exceeded"}
"""Faults that are ends of their own."""


def script_of(body: Mapping[str, Any]) -> Script:
    return read_script(newest_words(body))


def answer_to(body: Mapping[str, Any], script: Script, prompt: Prompt, secret: bytes) -> Answer:
    """The answer. Words of a variant, joined with `+`: no_tool, announced, redacted, unsigned."""
    ways = script.variant.split("+")
    shown = read_body(body)
    said = _said(shown, script, ways)
    words, reason, stop = _limited(_words(said, script, ways), body)
    blocks: list[Mapping[str, Any]] = []
    counters: dict[str, int] = {}
    if searches(body) and _SEARCH.search(shown.question):
        blocks += _search(shown.question)
        counters = {"web_search_requests": 1}
        words = "It says that all is made up."
    if words and script.fault != "no_block":
        cited = {"type": "web_search_result_location", "cited_text": "all is made up", "encrypted_index": "MQ=="}
        about = {"citations": [{**cited, "url": _FOUND["url"], "title": _FOUND["title"]}]} if counters else {}
        blocks.append({"type": "text", "text": words, **about})
    if said.calls and reason == "end_turn":
        first = sum(
            block.get("type") == "tool_use" for message in body["messages"] for block in blocks_of(message["content"])
        )
        for number, call in enumerate(said.calls, first + 1):
            name = f"toolu_sandbox_{number}"
            blocks.append({"type": "tool_use", "id": name, "name": call.name, "input": dict(call.arguments)})
        reason = "tool_use"
    thoughts = "".join(script.thoughts()) if _thinks(body, ways) else ""
    if thoughts:
        blocks.insert(0, _thought(body, thoughts, ways, secret))
    made = Answer(str(body["model"]), blocks, reason, prompt, stop, counters=counters)
    return _ended(replace(made, thoughts=len(thoughts.split())), script)


def _ended(answer: Answer, script: Script) -> Answer:
    if script.fault in STOPS:
        return replace(answer, stop_reason=STOPS[script.fault])
    if script.fault == "cut_call":
        return replace(answer, stop_reason="max_tokens", open_call=True)
    return answer


def _said(shown: Shown, script: Script, ways: list[str]) -> Said:
    if script.size or script.count or (script.text and "announced" not in ways):
        return Said("".join(script.pieces()))
    return obedient.answer(replace(shown, tools=()) if "no_tool" in ways else shown, greeting(shown.question))


def _words(said: Said, script: Script, ways: list[str]) -> str:
    if said.is_value:
        return json.dumps(said.value, ensure_ascii=False)
    return script.text or "I will look." if "announced" in ways and said.calls else said.text


def _limited(text: str, body: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """The text up to its first stop sequence or its limit, a token a word; why it ends there."""
    found = [(at, stop) for stop in body.get("stop_sequences") or () if (at := text.find(stop)) >= 0]
    if found:
        at, stop = min(found)
        return text[:at], "stop_sequence", stop
    words = text.split(" ")
    if len(words) > body["max_tokens"]:
        return " ".join(words[: body["max_tokens"]]), "max_tokens", None
    return text, "end_turn", None


def _thinks(body: Mapping[str, Any], ways: list[str]) -> bool:
    return (body.get("thinking") or {}).get("type") in ("enabled", "adaptive") and "no_thought" not in ways


def _thought(body: Mapping[str, Any], thoughts: str, ways: list[str], secret: bytes) -> dict[str, Any]:
    if "redacted" in ways:
        return {"type": "redacted_thinking", "data": sign(secret, "", thoughts)}
    shown = "" if body["thinking"].get("display") == "omitted" else thoughts
    block = {"type": "thinking", "thinking": shown, "signature": sign(secret, shown, thoughts)}
    if "unsigned" in ways:
        del block["signature"]
    return block


def _search(question: str) -> list[Mapping[str, Any]]:
    name = "srvtoolu_sandbox_1"
    return [
        {"type": "server_tool_use", "id": name, "name": "web_search", "input": {"query": question[:80]}},
        {"type": "web_search_tool_result", "tool_use_id": name, "content": [_FOUND]},
    ]
