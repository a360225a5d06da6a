"""What holds of the commands of every machine, in whatever order its events come; checked as they are given."""

from collections import Counter
from typing import Final

from mitmproxy.proxy.commands import StartHook

from addons.stream.commands import (
    Abort,
    Ask,
    BreakOff,
    Command,
    Finish,
    GiveWay,
    Hold,
    Leave,
    LookIfLeft,
    Over,
    ReadPast,
    SendData,
    SendEnd,
    SendHead,
)
from addons.stream.machine import RequestMachine
from addons.upstream.events import Broken, Ended, NoConnection, UpstreamEvent

KEEPALIVE: Final = b": keep-alive\n\n"
"""What the attempts of these tests keep a client's stream alive with: no word of an answer."""


class Rules:
    """Looks at what the machine of one request wants, command by command, and at what it was told."""

    def __init__(self) -> None:
        self.count: Counter[type] = Counter()
        """Of commands."""
        self.asked = 0
        """The number of the last Ask."""
        self._is_asked = False
        """Its provider may still speak, and was neither left nor finished."""
        self.had_enough = True
        """It was left or finished."""
        self._head = self._nothing_follows = self.is_held = self.has_words = False
        self.over = self.ended = self.left = False

    # -- events ---------------------------------------------------------------------------------------------------
    def heard(self, said: UpstreamEvent) -> None:
        """The last Ask's provider has said this."""
        if isinstance(said, Ended | Broken | NoConnection):
            self._is_asked = False

    @property
    def listens(self) -> bool:
        """Whether the last Ask's provider may still say something that is wanted."""
        return self._is_asked

    # -- commands -------------------------------------------------------------------------------------------------
    def look_at(self, commands: list[Command]) -> None:
        for number, command in enumerate(commands, 1):
            self.count[type(command)] += 1
            if isinstance(command, StartHook | GiveWay):
                assert number == len(commands), "a hook is the last command"
                assert not self.over
                self.count[StartHook] += 1
            elif isinstance(command, SendEnd | BreakOff):
                self._end(command)
            else:
                assert not self.over, f"{command} behind Over"
                assert not self.ended or isinstance(command, Over), f"{command} behind the end"
                self._look_at(command)

    def _end(self, command: SendEnd | BreakOff) -> None:
        assert not self.ended, "the answer ends once"
        self.ended = True
        if isinstance(command, SendEnd):
            assert self.over
            assert self._head, "an end without a head"

    def _look_at(self, command: Command) -> None:
        if isinstance(command, SendHead):
            assert not self._head, "a second head"
            if command.response.status_code != 100:
                self._head, self._nothing_follows = True, command.ends
        elif isinstance(command, SendData):
            assert self._head, "data before the head"
            assert not self._nothing_follows
            assert command.data, "empty data"
            self.has_words = self.has_words or command.data != KEEPALIVE
        elif isinstance(command, Hold):
            assert command.held is not self.is_held
            self.is_held = command.held
        elif isinstance(command, ReadPast):
            self.is_held = False
        elif isinstance(command, Ask):
            assert not self._is_asked, "the provider before it was not left"
            assert command.number == self.asked + 1
            assert not self.has_words, "another provider is asked, and the client has words of the one before"
            assert command.upload is None or not command.upload.is_spent, "of a body a part is another provider's"
            self.asked, self._is_asked, self.had_enough = command.number, True, False
        elif isinstance(command, Leave | Finish):
            assert not self.had_enough, "a provider is left once"
            self._is_asked, self.had_enough = False, True
        elif isinstance(command, Over):
            self.over = True
            assert not self._is_asked, "over, and the provider still speaks"
            assert not self.is_held, "over, and the client is held"
        elif isinstance(command, LookIfLeft):
            assert self.is_held, "who is not held is heard"
        else:
            assert isinstance(command, Abort)

    # -- in the end -------------------------------------------------------------------------------------------------
    def are_kept_by(self, machine: RequestMachine) -> None:
        """What holds of a request that is over."""
        assert self.over
        assert self.ended or self.left, "nobody left, and the answer has no end"
        assert not machine.flow.live
        assert machine.deadline == float("inf")
        assert not machine.is_in_hook
