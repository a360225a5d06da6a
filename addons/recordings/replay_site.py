"""A replay site: recorded exchanges as a provider on loopback, which answers at the pace it was recorded."""

import asyncio
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from addons.recordings.recording import Recording
from providers.formats.jsontext import loads
from providers.sandbox.run import SITES
from providers.sandbox.server import Request, Site, Wire, serve

_NEVER_THE_SAME: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}"  # an id
    r"|(?:[a-z]{3} [a-z]{3} \d\d )?[\d :.TZ+-]{4,32}(?:GMT[+-]\d{4})?",  # a date, a time, both
    re.IGNORECASE,
)


@dataclass
class ReplaySite(Site):
    """Answers by method, path and the words of the body; alike ones in the order of the recordings, round and round."""

    name: str = "replay"
    recordings: Sequence[Recording] = ()
    speed: float = 1.0
    """Times faster than recorded; 0: at once."""
    material: Mapping[str, object] = field(default_factory=dict)
    """A session that a gateway may show; none is checked."""
    companion_names: Sequence[str] = ()
    _turns: dict[int, int] = field(default_factory=dict)
    """How often the alike ones were asked for, by the first of them."""
    _words: list[frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._words = [_comparable_texts(recording.request.body.encode()) for recording in self.recordings]

    def session(self) -> Mapping[str, object]:
        return self.material

    def companions(self) -> Mapping[str, Site]:
        return {name: _Companion(main=self) for name in self.companion_names}

    async def handle(self, request: Request, wire: Wire) -> None:
        fitting = [
            number
            for number, recording in enumerate(self.recordings)
            if (recording.request.method, urlsplit(recording.request.url).path) == (request.method, request.path)
        ]
        if not fitting:
            await wire.respond(404, {"error": {"message": f"no recording of {request.method} {request.path}"}})
            return
        asked = _comparable_texts(request.body)
        most = max(len(asked & self._words[number]) for number in fitting)
        alike = [number for number in fitting if len(asked & self._words[number]) == most]
        turn = self._turns.get(alike[0], 0)
        self._turns[alike[0]] = turn + 1
        await self._play(self.recordings[alike[turn % len(alike)]], wire)

    async def _play(self, recording: Recording, wire: Wire) -> None:
        answer = recording.answer
        if answer is None:
            wire.hang_up()
            return
        kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "text/plain")
        await wire.begin(kind, status=answer.status)
        played_ms = 0.0
        for piece in answer.pieces:
            if self.speed > 0:
                await wire.pause((piece.ms - played_ms) / 1000 / self.speed)
                played_ms = piece.ms
            await wire.send(piece.data)
        await wire.end()


@dataclass(kw_only=True)
class _Companion(Site):
    """Another host of the same provider; the recordings do not tell hosts apart."""

    name: str = "companion"
    main: ReplaySite

    async def handle(self, request: Request, wire: Wire) -> None:
        await self.main.handle(request, wire)


def replay_sites(recordings: Sequence[Recording], speed: float) -> dict[str, Site]:
    """The sites in place of the sandbox's, one for each provider that was recorded, with its own kind of session."""
    found: dict[str, Site] = {}
    for provider in dict.fromkeys(recording.provider for recording in recordings):
        name = "openai" if provider == "openai_compatible" else provider
        plain: Any = SITES[name]()
        own = [recording for recording in recordings if recording.provider == provider]
        found[name] = ReplaySite(
            name=name,
            recordings=own,
            speed=speed,
            material=plain.session(),
            companion_names=tuple(plain.companions()),
        )
    return found


def _comparable_texts(body: bytes) -> frozenset[str]:
    """The texts in a JSON body, wherever they stand, without ids and times: what requests that mean the same share."""
    return frozenset(text for text in _texts(loads(body)) if not _NEVER_THE_SAME.fullmatch(text))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


async def serve_recordings(
    recordings: Sequence[Recording], speed: float, port: int, announce: Callable[[str], None]
) -> None:
    """Serves until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await serve(ReplaySite(recordings=recordings, speed=speed), "127.0.0.1", port)
    async with server:
        announce(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await stop.wait()
