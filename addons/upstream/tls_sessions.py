"""TLS sessions of connections to providers, to be resumed."""

from collections import OrderedDict
from typing import Final

from OpenSSL import SSL

from addons.upstream.port import Target

SESSIONS: Final = 256
"""TLS sessions that are kept to be resumed, one for each Target."""


class TlsSessions:
    """The latest TLS session of each Target: a new connection resumes it, which saves both sides half of the work."""

    def __init__(self) -> None:
        self.generation = 0
        """Of rules by which certificates are checked."""
        self._known: OrderedDict[Target, SSL.Session] = OrderedDict()

    def resume(self, target: Target, tls: SSL.Connection) -> None:
        if (known := self._known.get(target)) is not None:
            tls.set_session(known)

    def remember(self, target: Target, tls: SSL.Connection, generation: int) -> None:
        """Keeps the session of a connection that was made in this `generation`."""
        if generation == self.generation and (session := tls.get_session()) is not None:
            self._known[target] = session
            self._known.move_to_end(target)
            if len(self._known) > SESSIONS:
                self._known.popitem(last=False)

    def clear(self) -> None:
        """Forgets all: a session stands for a certificate that was checked by other rules."""
        self.generation += 1
        self._known.clear()
