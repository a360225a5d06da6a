"""Which tools a person's words ask for, and with which arguments. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.sandbox.models.replies import exact
from providers.sandbox.models.schema_filler import fill
from providers.sandbox.models.shown import Shown, Tool, ToolCall
from providers.sandbox.models.words import Words, paths, places

FINISHING: Final = frozenset(("attempt_completion", "final_result", "final_answer", "finish", "submit"))
"""Tools that end the work instead of doing some."""
_NO_TOOLS: Final = re.compile(
    r"\b(?:without|do not|don't|never)\s+(?:us(?:e|ing)|call(?:ing)?)\s+(?:any\s+|a\s+|the\s+)?(?:tool|function)s?\b",
    re.I,
)
_AGAIN: Final = re.compile(r"\b(?:again|the same|what about|how about|and (?:in|for))\b", re.IGNORECASE)
_INTENTS: Final = (
    (
        re.compile(
            r"\b(?:create|write|make|save|add)\b[^.\n]{0,80}\bfiles?\b|\bwrite\b[^\n]{0,200}\bto\b\s+\S+\.\w", re.I
        ),
        ("write", "save", "create", "editor"),
    ),
    (re.compile(r"\b(?:run|execute)\b", re.I), ("bash", "shell", "terminal", "execute", "exec", "run", "command")),
    (
        re.compile(r"\b(?:replace|edit|change|modify)\b", re.I),
        ("edit", "replace", "patch", "update", "modify", "change"),
    ),
    (
        re.compile(r"\b(?:read|open|show|print|cat|contents? of|what is in|what's in)\b[^\n]{0,200}[\w)]\.\w", re.I),
        ("read", "view", "cat", "open"),
    ),
    (re.compile(r"\b(?:list|ls)\b[^\n]{0,40}\b(?:files?|directory|folder)\b", re.I), ("ls", "list", "glob", "dir")),
    (re.compile(r"\b(?:search|find|grep)\b", re.I), ("grep", "search", "find", "glob")),
)
"""What words ask of a computer, and the words in the names of tools that do it."""
_OF_FILES: Final = frozenset(("write", "edit", "read"))
"""Intents, by their first word, that only a tool that is told a file can carry out."""
_DULL_TEXT: Final = (
    "a an the of to in for on at and or is are be this that with use used using tool function call get set do "
    "from by it you your i me my what which can please given return returns value any some all one current now "
    "not if when will how"
)
_DULL: Final = frozenset(_DULL_TEXT.split())
_ENOUGH: Final = 3


def wanted_tools(shown: Shown, tools: Sequence[Tool]) -> list[tuple[Tool, int]]:
    """The tools that the question asks for, and where: named, else meant by an intent, else by their words."""
    question = shown.question
    if _NO_TOOLS.search(question) and shown.choice == "auto":
        return []
    if len(tools) == 1 and shown.choice == tools[0].name:
        return [(tools[0], 0)]
    working = [tool for tool in tools if tool.known not in FINISHING]
    named = _named(question, working, plain=False)
    if named:
        return named
    if shown.choice == "auto" and exact(question) is not None:
        return []
    meant = _meant(question, working) or _named(question, working, plain=True)
    if meant:
        return meant
    if (best := _alike(question, working)) is not None:
        return [(best, 0)]
    called = [call.name for turn in shown.turns[: shown.asked_at] for call in turn.calls]
    if called and _AGAIN.search(question):
        return [(tool, 0) for tool in working if tool.name == called[-1]]
    return []


def calls_for(tool: Tool, own: str, question: str, around: str) -> list[ToolCall]:
    """The calls of one tool: one for each written call, place or file that the words name."""
    written = [_of_written(tool, inside) for inside in _written(tool.known, question)]
    if written:
        return written
    fields = [name.lower() for name in (tool.parameters.get("properties") or {})]
    listed = any(re.search(r"cit(?:y|ies)|location|place|town", name) for name in fields)
    many = [(place, "") for place in places(own) or places(question)] if listed else []
    if not many and any(re.search(r"path|file", name) for name in fields) and "content" not in " ".join(fields):
        old = any("old" in name for name in fields)
        many = [("", path) for path in paths(own)][: 1 if old else 9]
    made = [_call(tool, Words(own, around, place, path)) for place, path in many or [("", "")]]
    distinct: dict[str, ToolCall] = {}
    for call in made:
        distinct.setdefault(call.json(), call)
    return list(distinct.values())


def _call(tool: Tool, words: Words) -> ToolCall:
    arguments = fill({"type": "object", **tool.parameters}, words)
    if not arguments and "weather" in tool.name and tool.parameters.get("additionalProperties", True) is not False:
        arguments = {"city": (places(words.said) or ["Paris"])[0]}  # a tool that does not say what it wants to know
    return ToolCall(tool.name, arguments if isinstance(arguments, Mapping) else {})


def _named(question: str, tools: Sequence[Tool], *, plain: bool) -> list[tuple[Tool, int]]:
    """The tools whose names stand in the words, in their order. A name that is one everyday word counts only where
    the words speak of a tool of that name, or (plain) where nothing else was found."""
    found = []
    for tool in tools:
        spaced = re.sub(r"[_\-.]+", " ", tool.known)
        ways = [rf"(?<![\w]){re.escape(way)}(?![\w])" for way in dict.fromkeys((tool.known, spaced))]
        everyday = re.fullmatch(r"[a-z]{2,12}|[A-Z][a-z]{2,12}", tool.known) is not None
        if everyday and not plain:
            itself = re.escape(tool.known)
            ways = [
                rf"[`\"']{itself}[`\"']|\b{itself}\(|\b{itself} (?:tool|function)\b",
                rf"\b(?:tool|function|call|use)(?: the| named| called)? {itself}\b",
            ]
        places_found = [m.start() for way in ways for m in [re.search(way, question, re.IGNORECASE)] if m]
        if places_found:
            found.append((tool, min(places_found)))
    return sorted(found, key=lambda pair: pair[1])


def _meant(question: str, tools: Sequence[Tool]) -> list[tuple[Tool, int]]:
    """Tools of a coding agent, by what is to be done."""
    found: dict[str, tuple[Tool, int]] = {}
    for pattern, names in _INTENTS:
        hit = pattern.search(question)
        if hit is None:
            continue
        able = [tool for tool in tools if _takes_file(tool)] if names[0] in _OF_FILES else tools
        for name in names:
            tool = next((tool for tool in able if name in _name_words(tool.known)), None)
            if tool is not None:
                found.setdefault(tool.name, (tool, hit.start()))
                break
    return sorted(found.values(), key=lambda pair: pair[1])


def _takes_file(tool: Tool) -> bool:
    return any(re.search(r"path|file", name, re.IGNORECASE) for name in tool.parameters.get("properties") or {})


def _name_words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return [part for part in re.split(r"[^a-z0-9]+", spaced) if part]


def _alike(question: str, tools: Sequence[Tool]) -> Tool | None:
    """The tool whose name and description have the most words of the question."""
    asked = _stems(question)
    scored = [
        (3 * len(asked & _stems(" ".join(_name_words(t.known)))) + len(asked & _stems(t.description[:400])), -at)
        for at, t in enumerate(tools)
    ]
    score, at = max(scored, default=(0, 0))
    return tools[-at] if score >= _ENOUGH else None


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]{2,}", text.lower())
    return frozenset(re.sub(r"(?:ing|ed|es|s|er|or|tion)$", "", word) for word in words if word not in _DULL)


def _written(name: str, question: str) -> list[str]:
    """The insides of calls written in the words: `f(3)`."""
    return re.findall(rf"(?<!\w){re.escape(name)}\(([^()\n]{{1,2000}})\)", question)


def _of_written(tool: Tool, inside: str) -> ToolCall:
    """A call as it is written: JSON, `name=value` or values in the order of the parameters."""
    properties: Mapping[str, Any] = tool.parameters.get("properties") or {}
    value = _json(inside)
    if isinstance(value, dict):
        return ToolCall(tool.name, value)
    names, made = list(properties), {}
    for at, part in enumerate(re.split(r",\s*", inside)):
        keyed = re.fullmatch(r"(\w+)\s*[=:]\s*(.+)", part.strip())
        name = keyed[1] if keyed else names[at] if at < len(names) else ""
        if name:
            made[name] = _typed(keyed[2] if keyed else part.strip(), properties.get(name))
    rest = fill({"type": "object", **tool.parameters}, Words(inside))
    return ToolCall(tool.name, {**(rest if isinstance(rest, dict) else {}), **made})


def _typed(text: str, schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    value = _json(text)
    if kind == "string":
        return value if isinstance(value, str) else text.strip("'\"")
    return text.strip("'\"") if value is None else value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
