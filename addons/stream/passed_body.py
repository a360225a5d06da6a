"""A request's body that is passed on while it comes: bounded in size and time. Without I/O."""

from typing import Final

from addons.errors import GatewayError
from addons.stream.deps import ClientLimits
from addons.stream.port import UploadReading
from addons.upstream.upload import Upload

LOOK_S: Final = 1.0
"""How often it is looked whether a client is still there that is held, since nothing is heard of it then."""
LEAST_BYTES_PER_S: Final = 16 * 1024
"""A client that is not held sends so much at least, on the whole: one byte now and then would take a place for days."""


class PassedBody:
    """One body. Its client is held while nobody takes what comes: no connection to a provider, or one that is full."""

    __slots__ = ("_by", "_held_at", "_limits", "_reading", "_since", "_taken_at", "began", "is_held", "upload")

    def __init__(self, reading: UploadReading, limits: ClientLimits, now: float, *, chunked: bool) -> None:
        self.upload = Upload(chunked=chunked)
        self.began = now
        self.is_held = False
        self._reading = reading
        self._limits = limits
        self._held_at = now
        self._since = now
        """When the client last sent something, or last could."""
        self._by = now + limits.body_s
        """When its body would be too late, did nothing more come of it."""
        self._taken_at = now
        """When a provider last took something, or last could."""
        reading.goes_on(self.upload)

    # -- what comes -----------------------------------------------------------------------------------------------
    def take(self, data: bytes, now: float) -> None:
        """More has come, and goes out. Raises GatewayError where the body must not go on: nothing of `data` does."""
        if self.upload.handed_bytes + len(data) > self._limits.upload_bytes:
            raise GatewayError(413, self._limits.upload_message, code="request_too_large")
        self._reading.rest(data)
        self._since = now
        self._by += len(data) / LEAST_BYTES_PER_S
        self.upload.write(data)

    def end(self) -> None:
        """The body is whole. Raises GatewayError where it is not what it was said to be."""
        self._reading.end()
        self.upload.end()

    # -- time -----------------------------------------------------------------------------------------------------
    def hold(self, now: float) -> None:
        self.is_held, self._held_at = True, now
        self._taken_at = now  # before, nothing waited for a provider: its time begins only now

    def go_on(self, now: float) -> None:
        self._by += now - self._held_at
        self.is_held, self._since = False, now

    def taken(self, now: float) -> None:
        """A provider is there, or took something."""
        self._taken_at = now

    def due(self, now: float, provider_s: float) -> float:
        """When something would be late, or is to be looked at; `provider_s`: so long a provider may take nothing."""
        return min(now + LOOK_S, self._taken_at + provider_s) if self.is_held else self._client_by

    @property
    def _client_by(self) -> float:
        return min(self._since + self._limits.body_s, self._by)

    def is_late(self, now: float) -> bool:
        """Whether the client sends too little."""
        return not self.is_held and now >= self._client_by

    def is_not_taken(self, now: float, provider_s: float) -> bool:
        """Whether the provider takes nothing."""
        return self.is_held and now >= self._taken_at + provider_s
