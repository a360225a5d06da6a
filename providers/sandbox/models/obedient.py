"""The obedient model: calls the tools it is asked to call, fills the form it is given, says what it is told to. Pure.

It makes a plan of the calls that the person's newest words ask for, calls what has no result yet, and answers from the
results when there is nothing left to call.
"""

import json
import re
from dataclasses import replace
from typing import Any, Final

from providers.sandbox.models.choosing import FINISHING, calls_for, wanted_tools
from providers.sandbox.models.replies import exact, reply
from providers.sandbox.models.schema_filler import fill
from providers.sandbox.models.shown import Said, Shown, ToolCall
from providers.sandbox.models.words import Words

_SCHEMA_WORD: Final = re.compile(r"\bschema\b|\bJSON\b", re.IGNORECASE)
_ONCE_MORE: Final = re.compile(r"\b(?:once more|try again|do (?:it|that) again|cannot be used)\b", re.IGNORECASE)
_SUMMARY: Final = re.compile(r"\bsummary of (?:the|this) conversation\b|\bhandoff summary\b", re.IGNORECASE)
"""What programs ask for when a conversation becomes too long for them."""
_READ_CHARS: Final = 20_000
"""Of one turn that are read."""
_KEYS: Final = re.compile(r"[\"'`](\w{1,60})[\"'`]")


def answer(shown: Shown, otherwise: str = "") -> Said:
    """What the model answers; `otherwise` is what it says where nothing else is to be said."""
    shown = _skimmed(_before_it_was_wrong(shown))
    if _SUMMARY.search(shown.question):
        return Said(_summary(shown))
    calls = _calls(shown)
    if calls:
        return Said(calls=calls)
    if shown.schema is not None:
        return Said(value=_value(shown), is_value=True)
    text = _words(shown, otherwise)
    finishing = next((tool for tool in shown.tools if tool.known in FINISHING), None)
    if finishing is not None and shown.choice != "none":
        arguments = fill(finishing.parameters, _all_words(shown, text))
        return Said(calls=[ToolCall(finishing.name, arguments)])
    return Said(text)


def _before_it_was_wrong(shown: Shown) -> Shown:
    """What was shown before an answer that is to be given once more."""
    if shown.asked_at < 1 or not _ONCE_MORE.search(shown.question):
        return shown
    turns = list(shown.turns[: shown.asked_at])
    while turns and turns[-1].role == "assistant" and not turns[-1].calls:
        turns.pop()
    return replace(shown, turns=turns) if any(turn.role == "user" for turn in turns) else shown


def _skimmed(shown: Shown) -> Shown:
    """Long turns by their beginning and their end, where people say what they want."""
    if all(len(turn.text) <= _READ_CHARS for turn in shown.turns):
        return shown
    half = _READ_CHARS // 2
    turns = [
        replace(turn, text=f"{turn.text[:half]}\n{turn.text[-half:]}") if len(turn.text) > _READ_CHARS else turn
        for turn in shown.turns
    ]
    return replace(shown, turns=turns)


# -- calls ---------------------------------------------------------------------------------------------------------
def _calls(shown: Shown) -> list[ToolCall]:
    """The calls to be made now: of the plan, what was not called since the question; or what must be."""
    if not shown.tools or shown.choice == "none":
        return []
    made = [call.name for turn in shown.since for call in turn.calls]
    left: list[ToolCall] = []
    for call in _plan(shown):
        if call.name in made:
            made.remove(call.name)
        else:
            left.append(call)
    if not left and shown.choice != "auto":
        left = _due(shown)
    return left if shown.parallel else left[:1]


def _plan(shown: Shown) -> list[ToolCall]:
    """Every call that the question asks for, in order."""
    tools = [tool for tool in shown.tools if shown.choice in ("auto", "required", tool.name)]
    around = "\n".join(turn.text for turn in shown.turns)
    plan: list[ToolCall] = []
    wanted = wanted_tools(shown, tools)
    for at, (tool, position) in enumerate(wanted):
        following = wanted[at + 1][1] if at + 1 < len(wanted) else len(shown.question)
        own = shown.question[position:following] if len(wanted) > 1 else shown.question
        plan += calls_for(tool, own, shown.question, around)
    return plan


def _due(shown: Shown) -> list[ToolCall]:
    """A call that must be made although nothing asks for it: of the tool named, of one that ends work, or the first."""
    named = [tool for tool in shown.tools if tool.name == shown.choice]
    ending = [tool for tool in shown.tools if tool.known in FINISHING]
    tool = (named or ending or list(shown.tools))[0]
    text = _words(shown, "") if tool.known in FINISHING else ""
    return [ToolCall(tool.name, fill(tool.parameters, _all_words(shown, text)))]


# -- words and values ----------------------------------------------------------------------------------------------
def _words(shown: Shown, otherwise: str) -> str:
    """The answer in words."""
    results = [result for turn in shown.since for result in turn.results]
    if results:
        told = "\n".join(result.text for result in results)
        return f"Here is what I found: {told}"
    earlier = [
        turn.text for turn in shown.turns[: max(shown.asked_at, 0)] if turn.role in ("user", "system") and turn.text
    ]
    if shown.files:
        return f"I was shown: {'; '.join(shown.files)}."
    if (asked := _asked_for_json(shown)) is not None:
        return asked
    return reply(shown.question, earlier) or _told_by_system(shown) or otherwise


def _summary(shown: Shown) -> str:
    """What was said before, newest last, in the marks that such programs look for."""
    told = [turn.own_words for turn in shown.turns[: shown.asked_at] if turn.role in ("user", "assistant")]
    return "<summary>\nWhat was said:\n" + "\n".join(words for words in told if words) + "\n</summary>"


def _told_by_system(shown: Shown) -> str | None:
    """What a system prompt says is always to be answered."""
    for turn in shown.turns:
        if turn.role == "system" and re.search(r"\balways\b|\bregardless\b|\bno matter\b|\bevery\b", turn.text, re.I):
            return exact(turn.text)
    return None


def _all_words(shown: Shown, text: str = "") -> Words:
    results = "\n".join(result.text for turn in shown.since for result in turn.results)
    around = "\n".join(turn.text for turn in shown.turns)
    return Words("\n".join(part for part in (shown.question, results) if part), around, answer=text)


def _value(shown: Shown) -> Any:
    """The JSON value that the form asks for."""
    if shown.schema:
        return fill(shown.schema, _all_words(shown, reply(shown.question, ()) or ""))
    said = _schema_in(shown)
    if said is not None:
        return fill(said, _all_words(shown))
    return _object_of_keys(shown)


def _object_of_keys(shown: Shown) -> Any:
    """An object with the keys that the prompt names; its example, where it shows one."""
    question, words = shown.question, _all_words(shown)
    if isinstance(example := _json_in(question), dict) and example:
        return example
    keys: list[str] = []
    if re.search(r"\b(?:keys?|fields?|propert(?:y|ies)|with)\b", question, re.IGNORECASE):
        keys = list(dict.fromkeys(_KEYS.findall(question)))
        keys += re.findall(r"\b(?:key|field|property)\s+(\w+)", question) if not keys else []
    if not keys:
        return {"answer": _words(shown, "") or "yes"}
    plain = Words(re.sub("|".join(f"[\"'`]{re.escape(key)}[\"'`]" for key in keys), " ", question))
    return {key: words.value(key) or plain.text(key) or f"sandbox {key}" for key in keys}


def _asked_for_json(shown: Shown) -> str | None:
    """JSON that the prompt's own words ask for by a schema, in a fence where they want one."""
    schema = _schema_in(shown)
    if schema is None:
        return None
    text = json.dumps(fill(schema, _all_words(shown)), ensure_ascii=False)
    wants_fence = any("```json" in turn.text or "codeblock" in turn.text.lower() for turn in shown.turns)
    return f"```json\n{text}\n```" if wants_fence else text


def _schema_in(shown: Shown) -> dict[str, Any] | None:
    """A JSON schema in the words of the system or of the question."""
    for turn in [*shown.turns[shown.asked_at :][:1], *(turn for turn in shown.turns if turn.role == "system")]:
        if _SCHEMA_WORD.search(turn.text):
            for value in _objects_in(turn.text):
                if isinstance(value.get("properties"), dict) or "$defs" in value:
                    return value
    return None


def _json_in(text: str) -> Any:
    return next(iter(_objects_in(text)), None)


def _objects_in(text: str) -> list[dict[str, Any]]:
    """JSON objects that stand in a text, the first twenty braces tried."""
    found, at, decoder = [], 0, json.JSONDecoder()
    for _ in range(20):
        at = text.find("{", at)
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        at = end
        if isinstance(value, dict):
            found.append(value)
    return found
