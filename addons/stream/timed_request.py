"""What every driver's request is for the sweeper: its machine's deadline, and whose request it is."""

from addons.stream.machine import RequestMachine
from addons.stream.port import RequestPort


class TimedRequest:
    """A request whose machine has the times."""

    __slots__ = ()

    machine: RequestMachine

    @property
    def deadline(self) -> float:
        return self.machine.deadline

    @property
    def ending(self) -> bool:
        return self.machine.ending

    @ending.setter
    def ending(self, value: bool) -> None:
        self.machine.ending = value

    @property
    def port(self) -> RequestPort | None:
        return self.machine.port
