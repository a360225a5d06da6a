"""The words by which a model is told of the tools it may call, and how. Pure.

The block stands before the newest message, since what stands near the end counts most, and in a user's message, since
sites drop other roles. Tags bear the request's mark: no text of anybody else's can look like them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from addons.features.tools.toolbox import Tool, Toolbox
from providers.formats.jsontext import dumps


def contract(toolbox: Toolbox, mark: str) -> str:
    """The block about all tools of a toolbox that may be called."""
    listed = "Tools that you can call, one a line: name, what it does, JSON schema of its arguments."
    return _block(toolbox, mark, [listed, *(_line(tool) for tool in toolbox.tools)])


def reminder(toolbox: Toolbox, mark: str) -> str:
    """The block for another turn in a chat of the site's, where the tools were listed already."""
    names = ", ".join(tool.told for tool in toolbox.tools)
    return _block(toolbox, mark, [f"The tools listed earlier in this conversation can still be called: {names}."])


def _block(toolbox: Toolbox, mark: str, tools: Sequence[str]) -> str:
    lines = [
        f"<tools-{mark}>",
        *tools,
        "To call one, write a block of exactly this form, in your answer itself and outside of code fences:",
        f"<call-{mark}>",
        '{"name": "TOOL", "arguments": {…}}',
        f"</call-{mark}>",
        "It is run for you after your answer, and you get its result with the next message: do not make up results, do "
        "not announce a call without writing its block, and do not call what is not listed.",
        f"{_when(toolbox)} {_how_many(toolbox)}",
        f"choice: {_choice(toolbox)}",
        f"parallel: {'yes' if toolbox.parallel else 'no'}",
        f"</tools-{mark}>",
    ]
    return "\n".join(lines)


def no_calls(mark: str) -> str:
    """The block for a conversation with calls in it that is to be answered without any."""
    words = "The tools called above cannot be called now: answer in words, without a call."
    return f"<tools-{mark}>\n{words}\nchoice: none\n</tools-{mark}>"


def go_on(*, with_tools: bool) -> str:
    """What is said behind results that are the newest of a conversation."""
    what = "These results belong to the task above. Go on with it now"
    if not with_tools:
        return f"{what}: answer from them."
    return f"{what}: answer from them, or call what else is needed, in the form told above."


def call_block(call: Mapping[str, Any], mark: str) -> str:
    """A call that was made, in the form in which calls are to be written."""
    return f"<call-{mark}>\n{_json(call)}\n</call-{mark}>"


def _line(tool: Tool) -> str:
    description = tool.description
    if tool.told != tool.name:
        description = f"(elsewhere called {tool.name}) {description}".rstrip()
    told = {"name": tool.told} | ({"description": description} if description else {})
    return _json({**told, "parameters": tool.parameters})


def _when(toolbox: Toolbox) -> str:
    if toolbox.choice == "required":
        return "You must call at least one tool now: begin your answer with the block."
    if toolbox.choice == "auto":
        return "Call a tool where it serves the request; else answer in words."
    return f"You must call {_choice(toolbox)} now: begin your answer with the block."


def _how_many(toolbox: Toolbox) -> str:
    if toolbox.parallel:
        return "For several calls that do not need each other's results, write several blocks, one after the other."
    return "Write one block at most."


def _choice(toolbox: Toolbox) -> str:
    tool = None if toolbox.choice in ("auto", "required") else toolbox.find(toolbox.choice)
    return toolbox.choice if tool is None else tool.told


def _json(value: object) -> str:
    return dumps(value).decode("utf-8", "replace")
