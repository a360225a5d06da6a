"""Recorded exchanges as a provider on loopback: asked the same, it answers the same, at the pace it was recorded."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from addons.inspect.recording import Recording
from providers.sandbox.server import Request, Site, Wire, serve


@dataclass
class ReplaySite(Site):
    """Answers by method and path, in the order of the recordings, round and round."""

    name: str = "replay"
    recordings: Sequence[Recording] = ()
    speed: float = 1.0
    """Times faster than recorded; 0: at once."""
    _turns: dict[tuple[str, str], int] = field(default_factory=dict)

    async def handle(self, request: Request, wire: Wire) -> None:
        key = (request.method, request.path)
        fitting = [r for r in self.recordings if (r.request.method, urlsplit(r.request.url).path) == key]
        if not fitting:
            await wire.respond(404, {"error": {"message": f"no recording of {request.method} {request.path}"}})
            return
        turn = self._turns.get(key, 0)
        self._turns[key] = turn + 1
        await self._play(fitting[turn % len(fitting)], wire)

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
