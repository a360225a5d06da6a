"""The course of a request between hooks: events in, commands out. While a hook runs, what comes waits for its end."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator

from mitmproxy.proxy.commands import StartHook

from addons.stream.client_events import Left
from addons.stream.commands import OVER, Command, GiveWay
from addons.stream.machine_events import MachineEvent, Ticked

type Course = Generator[StartHook | GiveWay, None, None]
"""What is still to be done: it goes on when the hook that it yields has run."""
type Judged = Generator[StartHook | GiveWay, None, bool]
"""A part of one, which gives a yes or no."""

_EMPTY: deque[MachineEvent] = deque()
"""Of those that nothing waits for; never added to."""


class HookedCourse(ABC):
    """Tells what is to be done of each event. Most events need no hook, and make no generator."""

    __slots__ = ("_course", "_is_over", "_left_in_hook", "_out", "_waiting", "ending")

    def __init__(self) -> None:
        self._out: list[Command] = []
        self._course: Course | None = None
        """Goes on at the end of the hook that runs."""
        self._waiting = _EMPTY
        self._left_in_hook = ""
        """Why the client has left while a hook ran; empty where it has not."""
        self._is_over = False
        self.ending = False
        """The gateway stops: the next tick ends this request."""

    @property
    def is_in_hook(self) -> bool:
        return self._course is not None

    # -- the driver's side ------------------------------------------------------------------------------------------
    def feed(self, event: MachineEvent) -> list[Command]:
        """What is to be done now; where that ends with a hook, `hook_done` is to be called when it has run."""
        if self._course is not None:
            self._keep(event)
        elif not self._is_over:
            self._begin(event)
        return self._taken()

    def hook_done(self) -> list[Command]:
        """What is to be done behind the hook, and because of all that came meanwhile."""
        course, self._course = self._course, None
        assert course is not None
        self._go(course)
        while self._waiting and self._course is None and not self._is_over:
            self._begin(self._waiting.popleft())
        return self._taken()

    # -- inside -----------------------------------------------------------------------------------------------------
    @abstractmethod
    def _handle(self, event: MachineEvent) -> Course | None:
        """Does at once what needs no hook, or gives what is to be done."""

    @abstractmethod
    def _heard_in_hook(self, event: Left) -> None:
        """The client leaves while a hook runs."""

    def _keep(self, event: MachineEvent) -> None:
        if isinstance(event, Ticked) and (not self.ending or event in self._waiting):
            self._ticked_in_hook()
            return  # the next one comes soon, and they would pile up
        if isinstance(event, Left):
            self._left_in_hook = event.why
            self._heard_in_hook(event)
        if self._waiting is _EMPTY:
            self._waiting = deque()
        self._waiting.append(event)

    @abstractmethod
    def _ticked_in_hook(self) -> None:
        """The clock while a hook runs."""

    def _over(self) -> None:
        """Nothing more is heard."""
        self._is_over = True
        self._out.append(OVER)

    def _begin(self, event: MachineEvent) -> None:
        course = self._handle(event)
        if course is not None:
            self._go(course)

    def _go(self, course: Course) -> None:
        try:
            hook = next(course)
        except StopIteration:
            return
        self._course = course
        self._out.append(hook)

    def _taken(self) -> list[Command]:
        out, self._out = self._out, []
        return out
