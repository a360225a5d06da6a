"""The stand-in of official APIs: strict at its door, its faults on demand."""

from collections.abc import AsyncIterator

import httpx
import pytest

from providers.sandbox.run import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(("openai",)) as running:
        yield running


async def test_the_official_form_wants_its_key_and_a_known_model(sandbox: Sandbox) -> None:
    base, key = sandbox.base_url("openai"), sandbox.site("openai").key
    message = {"role": "user", "content": "Hi"}
    async with httpx.AsyncClient() as client:
        for token, model, status in [(key, "sandbox-large", 200), ("no", "sandbox-large", 401), (key, "gpt", 404)]:
            answer = await client.post(
                f"{base}/v1/chat/completions",
                json={"model": model, "messages": [message]},
                headers={"authorization": f"Bearer {token}"},
            )
            assert answer.status_code == status
