"""Z.AI's refusals through a gateway: what the client gets, and how often the site is asked for it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.sandbox.zai.site import ZaiSite
from tests.providers.qwen.asking import posted, told
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

OWN_CHAT, PERSONS_CHAT = "zai/GLM-4.6", "mine/GLM-4.6"
RULES: Any = {**NO_REST, "retries": {"enabled": True}}
"""A failed attempt that may be made again is made again."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, ZaiSite]]:
    """A gateway with Z.AI twice: one makes a chat for each request, one asks in a chat that nobody made."""
    folder = tmp_path_factory.mktemp("zai")
    with Sites(("zai",)) as thread:
        site = thread.site("zai")
        mine = {
            "type": "zai",
            "base_url": thread.description()["base_urls"]["zai"],
            "accounts": ["demo"],
            "create_chat": False,
        }
        with Served(folder, thread, providers={"mine": mine}, **RULES) as gateway:
            gateway.vault.put("mine", "demo", site.session())
            yield gateway, site


def asked(
    own: tuple[Served, ZaiSite], directive: str, *, model: str = OWN_CHAT, stream: bool = False
) -> tuple[httpx.Response, int]:
    """The answer, and how many completions the site was asked for."""
    gateway, site = own
    before = len(site.requests)
    answer = posted(gateway, f"Hi\n!sandbox pace_ms=0 {directive}", model=model, stream=stream)
    return answer, sum(request.path.endswith("/completions") for request in site.requests[before:])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["gone", "gone_page", "gone_empty", "gone retry_after=1"])
def test_a_model_that_is_gone_is_asked_for_once(own: tuple[Served, ZaiSite], fault: str, stream: bool) -> None:
    answer, attempts = asked(own, f"fault={fault}", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"], attempts) == (404, "model_not_found", 1)
    assert told(asked(own, "text=well", stream=stream)[0])[0] == "well", "the session is not blamed"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["busy", "busy_page", "busy_empty", "busy retry_after=90"])
def test_a_busy_account_is_waited_for(own: tuple[Served, ZaiSite], fault: str, stream: bool) -> None:
    answer, attempts = asked(own, f"fault={fault}", stream=stream)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], attempts) == (429, "rate_limit_exceeded", 1)
    assert "busy with an earlier turn" in error["message"]
    assert answer.headers.get("retry-after") == ("90" if "retry" in fault else None)


def test_a_short_time_to_wait_is_waited_by_the_gateway(own: tuple[Served, ZaiSite]) -> None:
    answer, attempts = asked(own, "fault=busy_page retry_after=1")
    assert (answer.status_code, attempts) == (429, 3)


@pytest.mark.parametrize("model", [OWN_CHAT, PERSONS_CHAT], ids=["own chat", "the person's"])
def test_internal_error_behind_the_words(own: tuple[Served, ZaiSite], model: str) -> None:
    """On the last frame, where nobody made the chat, it is the end; a chat of the gateway's own knows no such end."""
    whole, _ = asked(own, "fault=internal_at_end text='One two'", model=model)
    stream, attempts = asked(own, "fault=internal_at_end text='One two'", model=model, stream=True)
    assert attempts == 1
    if model == PERSONS_CHAT:
        assert (told(whole)[0], told(stream)[0]) == ("One two", "One two")
        assert stream.text.rstrip().endswith("data: [DONE]")
    else:
        assert (whole.status_code, whole.json()["error"]["code"]) == (502, "upstream_error")
        assert "upstream_error" in stream.text
        assert "[DONE]" not in stream.text
        assert '"finish_reason":"stop"' not in stream.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", [OWN_CHAT, PERSONS_CHAT], ids=["own chat", "the person's"])
def test_internal_error_instead_of_words(own: tuple[Served, ZaiSite], model: str, stream: bool) -> None:
    answer, _ = asked(own, "fault=internal", model=model, stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_error")


def test_the_version_of_the_path_is_the_sites(own: tuple[Served, ZaiSite], tmp_path: Any) -> None:
    del own
    with Sites(("zai",)) as thread:
        site = thread.site("zai")
        site.completion_version = 1
        with Served(tmp_path, thread, **NO_REST) as gateway:
            assert told(posted(gateway, "Hi\n!sandbox text=well", model="GLM-4.6"))[0] == "well"
    answered = [one for one in site.requests if one.path == "/api/chat/completions"]
    assert [one.json()["model_item"] for one in answered] == [{"id": "GLM-4-6-API-V1"}]
