"""A client's bytes, a little at a time: who sends a lot, or many small things, lets others have their turn between."""

import asyncio
from typing import Final

TURN_BYTES: Final = 16 * 1024
"""What is read of a client at once. However it is made up, to handle it takes some ten milliseconds."""


class TurnReader(asyncio.StreamReader):
    """asyncio's reader gives at once what has come already, so that a flood is read without others having a turn."""

    async def read(self, n: int = -1) -> bytes:
        """At most TURN_BYTES; b"" at the end of the connection."""
        if self._buffer:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        return await super().read(TURN_BYTES if n < 0 else min(n, TURN_BYTES))
