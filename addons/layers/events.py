"""The events, hooks and commands between mitmproxy's layers and what comes from outside of them."""

from dataclasses import dataclass
from typing import Protocol

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._base import HttpEvent

from addons.errors import GatewayError
from addons.stream.deps import Timed
from addons.stream.machine_events import FromProvider, Woken

type Commands = layer.CommandGenerator[None]


class Held(Protocol):
    """What can be held up."""

    def hold(self) -> None: ...

    def go_on(self) -> None: ...


@dataclass
class ToStream(events.Event):
    """The event that something has come from outside of the layers for one of the connection's streams."""

    stream: HttpStream
    event: FromProvider | Woken
    provider: Held


@dataclass
class Tick(events.Event):
    """The event that a deadline has been reached."""

    watched: Timed


@dataclass
class YieldControlHook(commands.StartHook):
    """A hook that gives the event loop a turn before this request goes on. No addon handles it: it only is awaited."""

    request: object  # mitmproxy hooks carry exactly one argument


@dataclass
class RequestHeld(HttpEvent):
    """The event that nothing more of the body is to come for now; where it is not `held`, that more may come again."""

    held: bool


@dataclass
class RequestRefused(HttpEvent):
    """The event that the body cannot be read on: the stream refuses its request."""

    error: GatewayError
