from collections.abc import AsyncIterator

import httpx
import pytest

from providers.sandbox.run import Sandbox
from tests.providers.sandbox.zai.page import Page


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with Sandbox(("zai",)) as sandbox, httpx.AsyncClient() as client:
        yield Page(sandbox, client)
