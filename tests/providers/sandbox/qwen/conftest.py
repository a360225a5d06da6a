from collections.abc import AsyncIterator

import httpx
import pytest

from providers.sandbox.run import Sandbox
from tests.providers.sandbox.qwen.page import Page


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with Sandbox(("qwen",)) as sandbox, httpx.AsyncClient() as client:
        yield Page(sandbox, client)
