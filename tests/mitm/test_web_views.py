"""What mitmweb shows of a flow is read beside the event loop, under mitmweb's own check of who asks."""

import asyncio
import re
import threading
from types import SimpleNamespace
from typing import Any

from mitmproxy.test import tflow
from mitmproxy.tools.web.app import FlowContentView, handlers

from addons.mitm.web_views import PLACE, ViewInThread


def test_a_view_is_read_in_a_thread() -> None:
    read_in: list[threading.Thread] = []
    written: list[object] = []

    def reads(*given: object) -> dict[str, str]:
        read_in.append(threading.current_thread())
        return {"text": "as a view shows it"}

    handler: Any = SimpleNamespace(
        flow=tflow.tflow(resp=True),
        current_user="mitmproxy",
        request=SimpleNamespace(arguments={"lines": [b"10"]}),
        message_to_json=reads,
        write=written.append,
    )
    asyncio.run(ViewInThread.get(handler, "id", "response", "raw"))
    assert written == [{"text": "as a view shows it"}]
    assert threading.main_thread() not in read_in


def test_who_is_not_signed_in_is_turned_away() -> None:
    told: list[object] = []
    handler: Any = SimpleNamespace(
        current_user=None,
        request=SimpleNamespace(headers={}),
        get_argument=lambda name, default: default,
        settings={"is_valid_password": lambda password: False},
        set_status=told.append,
        auth_fail=told.append,
    )
    assert ViewInThread.get(handler, "id", "response", "raw") is None
    assert told == [403, False]


def test_the_place_is_mitmwebs_own() -> None:
    places = [place for place, handler, *_ in handlers if handler is FlowContentView]
    assert [re.sub(r"\s", "", place) for place in places] == [PLACE]
