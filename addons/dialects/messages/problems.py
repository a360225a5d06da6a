"""What is wrong with a request for whoever is asked with a chat: the first of it is told."""

from dataclasses import dataclass

from addons.dialects.body import bad_request
from addons.errors import GatewayError


@dataclass(slots=True)
class Problems:
    """The first problem that was met. Reading goes on: an API of the same form may take such a request."""

    first: GatewayError | None = None

    def note(self, where: str, what: str, code: str | None = None) -> None:
        self.first = self.first or bad_request(f"{where}: {what}", where, code)
