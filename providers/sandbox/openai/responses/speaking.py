"""What the model behind the Responses endpoint says to a request, as items. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from providers.sandbox.models import obedient
from providers.sandbox.models.shown import Said, Shown, ToolCall
from providers.sandbox.openai.responses.answer import Answer, end_of
from providers.sandbox.openai.responses.reading import INSIDE, read_items
from providers.sandbox.openai.responses.sealed import seal
from providers.sandbox.script import Script, greeting

_SEARCH: Final = re.compile(r"\bsearch\b", re.IGNORECASE)
_FOUND: Final = "It says that all is made up."
_SOURCE: Final = {"type": "url_citation", "url": "https://news.example/sandbox", "title": "Sandbox news"}


def answer_to(
    body: Mapping[str, Any], items: Sequence[Mapping[str, Any]], script: Script, number: int, secret: bytes
) -> Answer:
    """The answer number `number` of this site. Words of a variant, joined with `+`: no_tool, announced, reasoning,
    refusal."""
    ways = script.variant.split("+")
    shown = read_items(body, items)
    said = _said(shown, script, ways)
    output: list[dict[str, Any]] = []
    if _thinks(body, ways):
        output.append(_thought(body, "".join(script.thoughts()), f"rs_sandbox_{number}", secret))
    searched = _may_search(body) and _SEARCH.search(shown.question) is not None
    if searched:
        action = {"type": "search", "query": shown.question[:80]}
        output.append(
            {"id": f"ws_sandbox_{number}", "type": "web_search_call", "status": "completed", "action": action}
        )
    words, cut = _limited(_FOUND if searched else _words(said, script, ways), body)
    if words:
        output.append(_message(f"msg_sandbox_{number}", words, searched=searched, refusal="refusal" in ways))
    if not cut and not searched:
        output += _calls(body, said.calls, number)
    return Answer(_base(body, number), output, end_of(script.fault) or ("max_output_tokens" if cut else ""))


def _said(shown: Shown, script: Script, ways: list[str]) -> Said:
    if script.size or script.count or (script.text and "announced" not in ways):
        return Said("".join(script.pieces()))
    return obedient.answer(replace(shown, tools=()) if "no_tool" in ways else shown, greeting(shown.question))


def _words(said: Said, script: Script, ways: list[str]) -> str:
    if said.is_value:
        return json.dumps(said.value, ensure_ascii=False)
    return script.text or "I will look." if "announced" in ways and said.calls else said.text


def _limited(text: str, body: Mapping[str, Any]) -> tuple[str, bool]:
    """The text up to the limit, a token a word, and whether it was cut."""
    words, most = text.split(" "), body.get("max_output_tokens")
    return (" ".join(words[:most]), True) if most is not None and len(words) > most else (text, False)


def _thinks(body: Mapping[str, Any], ways: list[str]) -> bool:
    reasoning = body.get("reasoning")
    return "reasoning" in ways or (reasoning is not None and reasoning.get("effort") != "none")


def _thought(body: Mapping[str, Any], thoughts: str, name: str, secret: bytes) -> dict[str, Any]:
    told = (body.get("reasoning") or {}).get("summary") not in (None, "none")
    item: dict[str, Any] = {"id": name, "type": "reasoning", "summary": []}
    if told:
        item["summary"] = [{"type": "summary_text", "text": thoughts}]
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        item["encrypted_content"] = seal(secret, name, thoughts)
    return item


def _may_search(body: Mapping[str, Any]) -> bool:
    return any(
        str(tool["type"]).startswith("web_search") and tool.get("external_web_access") is not False
        for tool in body.get("tools") or ()
    )


def _message(name: str, text: str, *, searched: bool, refusal: bool) -> dict[str, Any]:
    if refusal:
        part: dict[str, Any] = {"type": "refusal", "refusal": text}
    else:
        notes = [{**_SOURCE, "start_index": 0, "end_index": len(text)}] if searched else []
        part = {"type": "output_text", "text": text, "annotations": notes, "logprobs": []}
    return {"id": name, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def _calls(body: Mapping[str, Any], calls: Sequence[ToolCall], number: int) -> Iterator[dict[str, Any]]:
    """The calls as items of the kind of their tool."""
    custom = {tool["name"] for tool in body.get("tools") or () if tool["type"] == "custom"}
    spaces = {tool["name"] for tool in body.get("tools") or () if tool["type"] == "namespace"}
    for at, call in enumerate(calls, 1):
        ids = {"status": "completed", "call_id": f"call_sandbox_{number}_{at}"}
        space, _, inner = call.name.partition(INSIDE)
        if call.name in custom:
            words = str(call.arguments.get("input", ""))
            yield {
                "id": f"ctc_sandbox_{number}_{at}",
                "type": "custom_tool_call",
                **ids,
                "name": call.name,
                "input": words,
            }
            continue
        named = {"name": inner, "namespace": space} if space in spaces else {"name": call.name}
        yield {"id": f"fc_sandbox_{number}_{at}", "type": "function_call", **ids, **named, "arguments": call.json()}


def _echoed(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": None, "strict": True, **tool} if tool["type"] == "function" else dict(tool)


def _base(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The response but for its output, status and end."""
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    return {
        "id": f"resp_sandbox_{number}",
        "object": "response",
        "created_at": 1700000000,
        "background": False,
        "completed_at": None,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": body["model"],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": None,
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [_echoed(tool) for tool in body.get("tools") or ()],
        "top_logprobs": 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }
