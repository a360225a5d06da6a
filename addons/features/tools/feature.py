"""The Feature of tools for web sessions: a model is told of them in words, its calls are read out of its answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from addons.features.capabilities import unsupported
from addons.features.feature import Applied, EventFilter, Served
from addons.features.mark import call_ids, mark_of
from addons.features.tools.aliases import aliases_of
from addons.features.tools.call_forms import AsCustomCalls, AsFunctionCall
from addons.features.tools.contract import contract, go_on, no_calls, reminder
from addons.features.tools.given import GivenTools, given_tools
from addons.features.tools.held import FirstCall, is_held
from addons.features.tools.history import Folding, folded, holds_calls, is_far_back, with_words
from addons.features.tools.quotes import Quotes
from addons.features.tools.reader import ToolReader
from addons.features.tools.site_calls import SiteCalls
from addons.features.tools.toolbox import Toolbox
from providers.contract.chat import Message
from providers.contract.events import Finish, Text
from providers.contract.requests import ChatRequest, ModelRequest

CLAIMS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"})


class Tools:
    """The Feature. Official APIs have tools of their own, and some models of sites (those that draw) take none."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        """Raises GatewayError (400) for tools that cannot be told, and where the settings forbid any."""
        if served.native is None or not isinstance(request, ChatRequest) or served.model.tools != "emulated":
            return None
        given = given_tools(request, _names_for(served))
        called = holds_calls((*request.before, *request.messages))
        if not served.settings.tools:
            _refuse(request, given, served, called=called)
        if given.toolbox is None and not called:
            return Applied(replace(request, tools=(), tool_choice=None), CLAIMS)
        return _told(request, given, served, called=called)


def _intercepts(served: Served) -> bool:
    return served.provider is not None and served.provider.intercepts_tools


def _names_for(served: Served) -> Callable[[Sequence[str]], Sequence[str]] | None:
    return aliases_of if _intercepts(served) else None


def _refuse(request: ChatRequest, given: GivenTools, served: Served, *, called: bool) -> None:
    if given.toolbox is not None:
        field = "functions" if given.legacy else "tools"
    elif called:
        field = "messages"
    else:
        return
    name = served.provider.name if served.provider is not None else ""
    raise unsupported(field, name, "features.tools is false in config.yaml")


def _told(request: ChatRequest, given: GivenTools, served: Served, *, called: bool) -> Applied:
    toolbox, mark = given.toolbox, mark_of(served)
    messages: Sequence[Message] = request.messages
    newest = messages[:-1] if messages and messages[-1].text().startswith(f"<format-{mark}>") else messages
    result_newest = bool(newest) and newest[-1].role in ("tool", "function")
    named = Toolbox((), "auto", parallel=True) if toolbox is None else toolbox
    if called or any(message.role == "assistant" for message in messages):
        how = Folding(mark, _names(named), lambda said: _without_calls(said, named, mark), request.before)
        messages = folded(messages, how)
    block = _words(request, toolbox, mark)
    told = replace(
        request,
        messages=with_words(messages, block, go_on(with_tools=toolbox is not None), result_newest=result_newest),
        tools=() if toolbox is None else request.tools or tuple(request.extra["functions"]),
        tool_choice=None,
    )
    if toolbox is None:
        return Applied(told, CLAIMS)
    new_id = call_ids(served)
    quoted = Quotes([*request.before, *messages], [tool.description for tool in toolbox.tools])
    filters: list[EventFilter] = [ToolReader(toolbox, mark, quoted, new_id)]
    if _intercepts(served):
        filters.insert(0, SiteCalls(toolbox, mark))
    check = FirstCall(toolbox) if is_held(toolbox) else None
    if check is not None:
        filters.append(check)
    if given.legacy:
        filters.append(AsFunctionCall())
    if given.customs:
        filters.append(AsCustomCalls(given.customs))
    return Applied(told, CLAIMS, tuple(filters), check=check)


def _words(request: ChatRequest, toolbox: Toolbox | None, mark: str) -> str:
    if toolbox is None:
        return no_calls(mark)
    listed = request.thread is not None and not is_far_back(request.before)
    return reminder(toolbox, mark) if listed else contract(toolbox, mark)


def _names(toolbox: Toolbox) -> Callable[[str], str]:
    def told(name: str) -> str:
        tool = toolbox.find(name)
        return name if tool is None else tool.told

    return told


def _without_calls(said: str, toolbox: Toolbox, mark: str) -> str:
    """A text of an earlier answer without calls that nobody had read as such."""
    reader = ToolReader(toolbox, mark, lambda text: False, lambda: "")
    events = reader.filter([Text(said), Finish("stop")])
    return "".join(event.text for event in events if isinstance(event, Text))
