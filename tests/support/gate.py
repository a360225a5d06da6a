"""Holds a site's program until the test lets it go on."""

import asyncio
import threading


class Gate:
    def __init__(self) -> None:
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    async def passed(self) -> None:
        await asyncio.to_thread(self._open.wait, 30)
