"""The sandbox server: what arrives is read as HTTP has it, and every byte that leaves is under control."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from providers.sandbox.run import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(("openai",)) as running:
        yield running


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
async def test_a_client_that_leaves_is_noticed_however_it_does(sandbox: Sandbox, reset: bool) -> None:
    """With bytes that it has not read, a client's system resets the connection instead of closing it."""
    site = sandbox.site("openai")
    url = urlsplit(sandbox.base_url("openai"))
    fields = {"model": "sandbox-large", "stream": True}
    body = json.dumps({**fields, "messages": [{"role": "user", "content": "Hi\n!sandbox stall_after=2"}]})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-length: {len(body)}\r\n"
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"{head}authorization: Bearer {site.session()['api_key']}\r\n\r\n{body}".encode())
    await reader.readuntil(b"data: ")
    if reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    await site.wait_for(lambda: site.connections == 0)
