"""A prompt read as a model would read it: labelled turns, the contract of tools and form, calls and results. Pure.

The contract stands in blocks whose tags end in a mark of eight characters; the newest mark is the one in force:

    <tools-MARK> … {"name": …, "parameters": …} one a line … choice: auto … parallel: yes … </tools-MARK>
    <call-MARK>{"name": …, "arguments": …}</call-MARK>      <result-MARK id="…" name="…">text</result-MARK>
    <format-MARK> … schema: {…} … </format-MARK>
"""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from providers.sandbox.models.shown import Shown, Tool, ToolCall, ToolResult, Turn

_MARK: Final = re.compile(r"<(?:tools|format)-([a-z0-9]{8})>")
_LABEL: Final = re.compile(r"^\[(System|User|Assistant|Tool result)(?: [^\]\n]{1,200})?\]\n", re.MULTILINE)
_ROLES: Final = {"System": "system", "User": "user", "Assistant": "assistant", "Tool result": "tool"}
DIRECTIVE: Final = re.compile(r"^[ \t]*!sandbox\b.*\n?", re.MULTILINE)
_ELSEWHERE: Final = re.compile(r"\(elsewhere called ([^)\n]{1,128})\)\s*")
_ATTRIBUTE: Final = re.compile(r'(id|name)="([^"]*)"')


def read_prompt(text: str, files: Sequence[str] = (), earlier: Sequence[Turn] = ()) -> Shown:
    """What one user message shows, behind the turns that the site's own thread holds already."""
    return read_messages([("user", text)], files, earlier)


def read_messages(
    messages: Sequence[tuple[str, str]], files: Sequence[str] = (), earlier: Sequence[Turn] = ()
) -> Shown:
    """What messages show, given as pairs of role and text; the files are those of the last one."""
    shown = Shown(turns=tuple(earlier))
    mark = next((found for _, text in reversed(messages) if (found := _newest_mark(text))), "")
    for role, text in messages:
        turns = list(_turns(_without_contract(text, mark), role, mark))
        given = _contract(text, mark) if mark else {}
        if given.get("tools"):
            turns[-1] = replace(turns[-1], tools=given["tools"])
        elif "choice" in given:  # what was listed in an earlier message of the thread still holds
            given["tools"] = next((turn.tools for turn in reversed(shown.turns) if turn.tools), ())
        shown = replace(shown, turns=(*shown.turns, *turns), **given)
    if files:
        shown = replace(shown, turns=_with_files(shown.turns, files))
    return shown


def unfolded(shown: Shown) -> Shown:
    """A conversation that an API of roles was given, with the contract that stands in its words as fields."""
    mark = next((found for turn in reversed(shown.turns) if (found := _newest_mark(turn.text))), "")
    if not mark:
        return shown
    given: dict[str, Any] = {}
    for turn in shown.turns:
        given |= _contract(turn.text, mark)
    turns = tuple(replace(turn, text=_without_contract(turn.text, mark).strip()) for turn in shown.turns)
    return replace(shown, turns=turns, **given)


def without_asides(text: str) -> str:
    """A prompt without the turns of the system at its end, which some clients put behind the person's."""
    labels = list(_LABEL.finditer(text))
    while len(labels) > 1 and labels[-1][1] == "System":
        text = text[: labels.pop().start()]
    return text


def _newest_mark(text: str) -> str:
    found = _MARK.findall(text)
    return found[-1] if found else ""


def _blocks(text: str, kind: str, mark: str) -> Iterator[tuple[str, str]]:
    """The attributes and the inside of each block of a kind; an open one reaches to the end."""
    pattern = rf"<{kind}-{mark}((?:\s[^>\n]*)?)>(.*?)(?:</{kind}-{mark}>|\Z)"
    for found in re.finditer(pattern, text, re.DOTALL):
        yield found[1], found[2]


def _without_contract(text: str, mark: str) -> str:
    if not mark:
        return text
    return re.sub(rf"<(tools|format)-{mark}>.*?(?:</\1-{mark}>|\Z)", "\n", text, flags=re.DOTALL)


def _contract(text: str, mark: str) -> dict[str, Any]:
    """The fields of Shown that the contract's blocks give."""
    given: dict[str, Any] = {}
    tools: dict[str, Tool] = {}
    for _, inside in _blocks(text, "tools", mark):
        for line in inside.splitlines():
            said = line.strip()
            if (tool := _tool(said)) is not None:
                tools[tool.name] = tool
            elif found := re.fullmatch(r"choice:\s*(\S+)", said):
                given["choice"] = found[1]
            elif found := re.fullmatch(r"parallel:\s*(yes|no)", said):
                given["parallel"] = found[1] == "yes"
        given["mark"] = mark
    if tools:
        given["tools"] = tuple(tools.values())
    for _, inside in _blocks(text, "format", mark):
        for line in inside.splitlines():
            if line.strip().startswith("schema:"):
                schema = _json(line.strip().removeprefix("schema:").strip())
                given["schema"] = schema if isinstance(schema, dict) else {}
    return given


def _tool(line: str) -> Tool | None:
    value = _json(line) if line.startswith("{") else None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or "arguments" in value:
        return None
    parameters = value.get("parameters")
    description = str(value.get("description") or "")
    other = _ELSEWHERE.match(description)
    return Tool(
        value["name"],
        description[other.end() :] if other else description,
        parameters if isinstance(parameters, dict) else {},
        other[1] if other else "",
    )


def _turns(text: str, role: str, mark: str) -> Iterator[Turn]:
    """The turns of a text: its labelled blocks, or the one turn that it is."""
    labels = list(_LABEL.finditer(text))
    if not labels or (role == "user" and not text.lstrip().startswith("[")):
        yield _turn(role, text, mark)
        return
    for found, following in zip(labels, [*labels[1:], None], strict=True):
        inside = text[found.end() : following.start() if following else len(text)]
        turn = _turn(_ROLES[found[1]], inside, mark)
        if turn.role == "tool" and turn.text:
            turn = Turn("tool", results=(*turn.results, ToolResult(turn.text)))
        yield turn


def _turn(role: str, text: str, mark: str) -> Turn:
    """One turn without its directive; calls and results of the contract are taken out of its words."""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    if mark:
        calls = tuple(call for _, inside in _blocks(text, "call", mark) if (call := _call(inside)) is not None)
        results = tuple(_result(attributes, inside) for attributes, inside in _blocks(text, "result", mark))
        text = re.sub(rf"<(call|result)-{mark}[^>]*>.*?(?:</\1-{mark}>|\Z)", "", text, flags=re.DOTALL)
    words = DIRECTIVE.sub("", text).strip()
    if results:  # what stands around results are the words that name them, not the person's
        return Turn("tool", results=results)
    return Turn(role, words, calls, results)


def _call(inside: str) -> ToolCall | None:
    value = _json(inside.strip())
    if not isinstance(value, dict):
        return None
    arguments = value.get("arguments")
    fields: Mapping[str, Any] = arguments if isinstance(arguments, dict) else {}
    return ToolCall(str(value.get("name", "")), fields, str(value.get("id", "")))


def _result(attributes: str, inside: str) -> ToolResult:
    named = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
    return ToolResult(inside.strip(), named.get("name", ""), named.get("id", ""))


def _with_files(turns: Sequence[Turn], files: Sequence[str]) -> tuple[Turn, ...]:
    """The files belong to the person's newest words."""
    at = max((n for n, turn in enumerate(turns) if turn.role == "user"), default=-1)
    if at < 0:
        return (*turns, Turn("user", files=tuple(files)))
    return (*turns[:at], replace(turns[at], files=tuple(files)), *turns[at + 1 :])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
