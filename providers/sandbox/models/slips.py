"""The slippery model: what models write instead of the form they were told, each slip by its name. Pure.

Written from what users of such models have reported: trained forms of their own, JSON of every kind, forms cut off,
calls in the thinking, names that nobody gave, JSON that is broken or no call at all. One prompt slips in one way.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.sandbox.models.contract import written
from providers.sandbox.models.shown import Said, Shown, ToolCall

ANY: Final = "any"
"""The name for one of those that fit, chosen by the words of the question."""


@dataclass(frozen=True, slots=True)
class Slipped:
    """An answer that went wrong; `reasoning` where the slip puts something there."""

    text: str
    reasoning: str = ""


def slipped(name: str, said: Said, shown: Shown) -> Slipped | None:
    """The answer with a slip in it; None where there is no such slip, or nothing in the answer to slip on."""
    if said.calls:
        return _of_calls(name, said, shown)
    table = VALUE_SLIPS if said.is_value else TEXT_SLIPS
    name = _chosen(table, shown) if name == ANY else name
    slip = table.get(name)
    return None if slip is None else slip(said, shown)


def _of_calls(name: str, said: Said, shown: Shown) -> Slipped | None:
    names = [*CALL_SLIPS, *ANSWER_SLIPS]
    name = names[zlib.crc32(shown.question.encode()) % len(names)] if name == ANY else name
    if name in ANSWER_SLIPS:
        return ANSWER_SLIPS[name](said, shown)
    one = CALL_SLIPS.get(name)
    return None if one is None else Slipped("\n".join(one(call, shown.mark) for call in said.calls))


def _chosen(table: Mapping[str, Any], shown: Shown) -> str:
    return list(table)[zlib.crc32(shown.question.encode()) % len(table)]


# -- one call ------------------------------------------------------------------------------------------------------
def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _object(call: ToolCall, arguments: Any = None) -> str:
    return _json({"name": call.name, "arguments": call.arguments if arguments is None else arguments})


def _block(inside: str, mark: str) -> str:
    return f"<call-{mark}>\n{inside}\n</call-{mark}>"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _pairs(call: ToolCall, joint: str = "\n") -> str:
    """The trained form of GLM: keys and values in tags, the values untyped."""
    return joint.join(
        f"<arg_key>{name}</arg_key>{joint}<arg_value>{_plain(value)}</arg_value>"
        for name, value in call.arguments.items()
    )


def _attributes(call: ToolCall) -> str:
    return "".join(f' {name}="{_plain(value)}"' for name, value in call.arguments.items())


def _parameters(call: ToolCall, tag: str) -> str:
    return "\n".join(f'<{tag} name="{name}">{_plain(value)}</{tag}>' for name, value in call.arguments.items())


def _misspelt(name: str) -> str:
    """The name with two letters in the middle changed over."""
    at = max(len(name) // 2 - 1, 0)
    return name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]


def _unquoted(value: Any) -> str:
    """JSON whose keys have no quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_unquoted(inner)}" for name, inner in value.items()) + "}"
    return _json(value)


def _comma(text: str) -> str:
    return text.removesuffix("}") + ",}" if text.endswith("}") else text


def _dsml(call: ToolCall) -> str:
    inside = _parameters(call, "｜DSML｜parameter")
    return f'<｜DSML｜tool_calls><｜DSML｜invoke name="{call.name}">{inside}</｜DSML｜invoke></｜DSML｜tool_calls>'


def _named(call: ToolCall, name: str, mark: str) -> str:
    return _block(_object(ToolCall(name, call.arguments)), mark)


CALL_SLIPS: Final[Mapping[str, Callable[[ToolCall, str], str]]] = {
    "glm": lambda call, mark: f"<tool_call>{call.name}\n{_pairs(call)}\n</tool_call>",
    "glm_glued": lambda call, mark: f"{call.name}{_pairs(call, '')}</tool_call>",
    "glm_fenced": lambda call, mark: (
        f"```xml\n<tool_call>\n<tool_name>{call.name}</tool_name>\n{_pairs(call)}\n</tool_call>\n```"
    ),
    "glm_open": lambda call, mark: f"<tool_call>{call.name}\n{_pairs(call).removesuffix('</arg_value>')}",
    "stray_think": lambda call, mark: f"</think>\n{_object(call)}",
    "json": lambda call, mark: _object(call),
    "fence": lambda call, mark: f"```json\n{_object(call)}\n```",
    "function_call": lambda call, mark: _json({"function_call": {"name": call.name, "arguments": call.json()}}),
    "tool_call_json": lambda call, mark: f"<tool_call>\n{_object(call)}\n</tool_call>",
    "written": lambda call, mark: f"{call.name}({_json(call.arguments)})",
    "chinese": lambda call, mark: f"调用函数: {call.name} 参数: {_json(call.arguments)}",
    "self_closing": lambda call, mark: f"<tool_calls>\n<{call.name}{_attributes(call)}/>\n</tool_calls>",
    "attribute": lambda call, mark: f'<tool_call name="{call.name}">\n{_json(call.arguments)}\n</tool_call>',
    "attribute_wrong": lambda call, mark: f'<tool_call name="call_1">\n{_object(call)}\n</tool_call>',
    "parameter": lambda call, mark: f'<tool name="{call.name}">\n{_parameters(call, "parameter")}\n</tool>',
    "dsml": lambda call, mark: f"{_object(call)}</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>",
    "dsml_tags": lambda call, mark: _dsml(call),
    "string_arguments": lambda call, mark: _block(_object(call, call.json()), mark),
    "glued_arguments": lambda call, mark: _block(_object(call, call.json() * 2), mark),
    "garbage": lambda call, mark: _block(_object(call) + "}]</function>", mark),
    "python": lambda call, mark: _block(str({"name": call.name, "arguments": dict(call.arguments)}), mark),
    "trailing_comma": lambda call, mark: _block(_comma(_object(call)), mark),
    "unquoted_keys": lambda call, mark: _block(_unquoted({"name": call.name, "arguments": call.arguments}), mark),
    "strings": lambda call, mark: _block(_object(call, {k: _plain(v) for k, v in call.arguments.items()}), mark),
    "fenced": lambda call, mark: f"```\n{_block(_object(call), mark)}\n```",
    "open": lambda call, mark: f"<call-{mark}>\n{_object(call)}",
    "half": lambda call, mark: f"<call-{mark}>\n{_object(call)[: len(_object(call)) // 2]}",
    "wrong_mark": lambda call, mark: _block(_object(call), "00000000"),
    "dotted": lambda call, mark: _named(call, f"toolbox.{call.name}", mark),
    "near": lambda call, mark: _named(call, _misspelt(call.name), mark),
    "unknown": lambda call, mark: _named(call, "no_such_tool", mark),
    "invalid": lambda call, mark: _block(_object(call, {"unexpected": True}), mark),
}
"""Slip → one call as it is written with it, given the mark of the contract."""


# -- a whole answer of calls ---------------------------------------------------------------------------------------
def _right(said: Said, shown: Shown) -> str:
    return written(Said(calls=said.calls), shown)


def _listed(said: Said) -> list[dict[str, Any]]:
    return [{"name": call.name, "arguments": call.arguments} for call in said.calls]


ANSWER_SLIPS: Final[Mapping[str, Callable[[Said, Shown], Slipped]]] = {
    "announce": lambda said, shown: Slipped(f"I'll use {said.calls[0].name} to find that out."),
    "around": lambda said, shown: Slipped(f"Let me look.\n{_right(said, shown)}\nI have asked for it."),
    "reasoning": lambda said, shown: Slipped("", f"I should call it.\n{_right(said, shown)}"),
    "reasoning_json": lambda said, shown: Slipped("", "\n".join(_object(call) for call in said.calls)),
    "glued": lambda said, shown: Slipped("".join(_object(call) for call in said.calls)),
    "list": lambda said, shown: Slipped(_json(_listed(said))),
    "tool_calls": lambda said, shown: Slipped(_json({"tool_calls": _listed(said)})),
    "tool_calls_fence": lambda said, shown: Slipped(f"```json\n{_json({'tool_calls': _listed(said)})}\n```"),
    "tool_calls_tags": lambda said, shown: Slipped(f"<tool_calls>\n{_json(_listed(said))}\n</tool_calls>"),
    "twice": lambda said, shown: Slipped(f"{_right(said, shown)}\n{_right(said, shown)}"),
}
"""Slip → the whole answer."""


# -- JSON that a form asked for, and words -------------------------------------------------------------------------
_SORRY: Final = "I'm sorry, but I can't help with that."
VALUE_SLIPS: Final[Mapping[str, Callable[[Said, Shown], Slipped]]] = {
    "prose": lambda said, shown: Slipped(f"Here is the JSON:\n\n{_json(said.value)}\n\nAnything else?"),
    "fence": lambda said, shown: Slipped(f"```json\n{_json(said.value)}\n```"),
    "stray_think": lambda said, shown: Slipped(f"</think>{_json(said.value)}"),
    "reasoning": lambda said, shown: Slipped("", _json(said.value)),
    "python": lambda said, shown: Slipped(str(said.value)),
    "trailing_comma": lambda said, shown: Slipped(_comma(_json(said.value))),
    "unquoted_keys": lambda said, shown: Slipped(_unquoted(said.value)),
    "garbage": lambda said, shown: Slipped(_json(said.value) + "}\n<|endoftext|>"),
    "half": lambda said, shown: Slipped(_json(said.value)[: len(_json(said.value)) // 2]),
    "invalid": lambda said, shown: Slipped('{"unexpected": [true]}'),
    "refuse": lambda said, shown: Slipped(_SORRY),
    "twice": lambda said, shown: Slipped(f"{_json(said.value)}\n{_json(said.value)}"),
}
"""Slip → the answer where JSON was asked for."""

TEXT_SLIPS: Final[Mapping[str, Callable[[Said, Shown], Slipped]]] = {
    "example": lambda said, shown: Slipped(f'{said.text}\n```json\n{{"city": "Paris", "degrees": 18}}\n```'),
    "example_call": lambda said, shown: Slipped(f'{said.text}\n```json\n{{"name": "example", "arguments": {{}}}}\n```'),
    "quote": lambda said, shown: Slipped(f"You wrote:\n{shown.question}"),
    "quote_results": lambda said, shown: Slipped(
        "\n".join(result.text for turn in shown.since for result in turn.results) or said.text
    ),
}
"""Slip → an answer in words, with what looks like a call and is none."""

NAMES: Final = tuple(dict.fromkeys([*CALL_SLIPS, *ANSWER_SLIPS, *VALUE_SLIPS, *TEXT_SLIPS]))
