from collections.abc import AsyncIterator

import httpx
import pytest

from providers.sandbox.longcat.site import LongCatSite
from providers.sandbox.run import Sandbox
from tests.providers.sandbox.longcat.page import Page


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    site = LongCatSite()
    async with Sandbox((), own={"longcat": site}) as sandbox, httpx.AsyncClient() as client:
        client.base_url = httpx.URL(sandbox.base_url("longcat"))
        yield Page(site, client)
