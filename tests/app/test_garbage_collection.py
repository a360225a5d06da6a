"""Collections of garbage: what the process has set, and that mitmproxy's messages make none."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.save import Save
from mitmproxy.http import MessageData

from addons.app.garbage_collection import collect_in_small_steps
from addons.mitm.message_checks import remember_message_checks
from tests.support.answers import DONE, FINISH, STREAM, whole, word
from tests.support.harness import api
from tests.support.virtual_time import in_virtual_time


@pytest.fixture
def _as_before() -> Iterator[None]:
    thresholds, check = gc.get_threshold(), MessageData.__post_init__
    gc.unfreeze()  # (tests/conftest.py sets apart what is there before the first test)
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    MessageData.__post_init__ = check  # type: ignore[method-assign]


@pytest.mark.usefixtures("_as_before")
def test_what_lives_at_the_start_is_set_apart() -> None:
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    gc.disable()  # as addons/gateway.py does
    collect_in_small_steps()
    assert gc.isenabled()
    assert gc.get_freeze_count() > before + 10_000
    assert gc.get_threshold()[0] == thresholds[0]
    assert gc.get_threshold()[1:] < thresholds[1:]


def _steps_of_one_request() -> int:
    """Python functions called while a request is made."""
    called = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal called
        called += event == "call"

    sys.setprofile(count)
    try:
        http.Request("h", 80, b"GET", b"http", b"", b"/", b"HTTP/1.1", http.Headers(), None, None, 1.0, None)
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.usefixtures("_as_before")
def test_a_message_is_made_without_garbage() -> None:
    checked = _steps_of_one_request()
    remember_message_checks()
    _steps_of_one_request()
    assert _steps_of_one_request() < checked / 5
    gc.collect()
    gc.disable()
    try:
        http.Request("h", 80, b"GET", b"http", b"", b"/", b"HTTP/1.1", http.Headers(), None, None, 1.0, None)
        assert gc.collect() == 0
    finally:
        gc.enable()


def _ours(found: list[object]) -> list[str]:
    return [type(one).__name__ for one in found if type(one).__module__.startswith(("addons.", "providers."))]


@pytest.mark.parametrize("ending", ["whole", "stream", "leaves"])
@in_virtual_time
async def test_a_request_that_is_over_is_gone_without_a_collection(tmp_path: Path, ending: str) -> None:
    """What a collection has to find costs more than what ends by itself, and stays until then."""
    house = api(tmp_path)
    house.own = (Proxyserver(), Save())  # nobody looks: no flow is kept
    async with house:

        async def once() -> None:
            visit = await house.visit().chats("m", stream=ending != "whole")
            if ending == "whole":
                await visit.says(whole(200, {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))
            elif ending == "stream":
                await visit.says(STREAM, word("Hi"), FINISH, DONE)
            else:
                await visit.says(STREAM, word("Hi"))
                await visit.leaves()
            assert house.lines.pop().outcome == ("client_left" if ending == "leaves" else "ok")

        await once()
        gc.collect()
        gc.disable()
        try:
            gc.set_debug(gc.DEBUG_SAVEALL)
            await once()
            gc.collect()
            assert _ours(gc.garbage) == []
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
