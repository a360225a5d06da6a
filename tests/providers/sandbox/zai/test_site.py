"""The Z.AI stand-in is strict: what an adapter gets wrong fails there. Driven with hand-made requests."""

import uuid
from typing import Any

import pytest

from providers.sandbox.script import greeting
from tests.providers.sandbox.zai.page import Page, frames

pytestmark = pytest.mark.anyio


async def test_zai_answers_a_right_request(page: Page) -> None:
    found = frames(await page.complete())
    text = "".join(f["data"].get("delta_content", "") for f in found if f["type"] == "chat:completion")
    assert text == greeting("Hi")
    assert found[0]["type"] == "heartbeat"
    assert found[-1]["data"] == {"phase": "done", "done": True}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        pytest.param({"signature": "0" * 64}, 400, id="signature"),
        pytest.param({"stamp": 1_700_000_000_000}, 400, id="old timestamp"),
        pytest.param({"without": ("requestId",)}, 400, id="missing parameter"),
        pytest.param({"body": {"signature_prompt": "other"}}, 400, id="other words signed"),
        pytest.param({"headers": {"x-fe-version": "prod-fe-1.0.0"}}, 426, id="old client"),
        pytest.param({"headers": {"authorization": "Bearer dead"}, "chat_id": "x"}, 401, id="dead token"),
    ],
)
async def test_zai_refuses_at_the_door(page: Page, wrong: dict[str, Any], status: int) -> None:
    assert (await page.complete(**wrong)).status_code == status


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "glm-0"}, "MODEL_NOT_FOUND"),
        ({"messages": [{"role": "system", "content": "Hi"}]}, "INTERNAL_ERROR"),
        ({"stream": False}, "INTERNAL_ERROR"),
        ({"captcha_verify_param": ""}, "FRONTEND_CAPTCHA_REQUIRED"),
    ],
)
async def test_zai_refuses_inside_the_stream(page: Page, body: dict[str, Any], code: str) -> None:
    answer = await page.complete(body=body)
    assert answer.status_code == 200
    assert frames(answer)[0]["data"]["error"]["code"] == code


async def test_zai_complains_on_the_last_frame_about_a_chat_nobody_made(page: Page) -> None:
    found = frames(await page.complete(chat_id=str(uuid.uuid4())))
    assert found[-1]["data"]["error"]["code"] == "INTERNAL_ERROR"
    assert any("delta_content" in f.get("data", {}) for f in found)


async def test_zai_answers_a_dead_token_as_a_guest(page: Page) -> None:
    alive = (await page.call("GET", "/api/v1/auths/")).json()
    page.site.revoke(page.token)
    dead = (await page.call("GET", "/api/v1/auths/")).json()
    assert (alive["id"], alive["token"] != page.token) == (page.site.user_id, True)
    assert dead["email"].startswith("guest-")
