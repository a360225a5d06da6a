"""The three views: they fit where they should, show what was there, and are never a traceback."""

import json
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.contentviews import Metadata
from mitmproxy.contentviews import registry as of_mitmproxy
from mitmproxy.contentviews._registry import ContentviewRegistry
from mitmproxy.test import tflow

from addons.inspect.annotation import Annotation
from addons.inspect.chat_view import chat_text
from addons.inspect.events_view import rows
from addons.inspect.views import NOT_OURS, ChatView, DeliveredView, EventsView, register_views
from providers.contract.events import Event, Text
from providers.zai.decoder import ZaiDecoder
from tests.recordings.test_recording import CLIENT, STREAM, delivered


def events_view() -> EventsView:
    return EventsView(lambda annotation: ZaiDecoder())


def shown(flow: http.HTTPFlow, *, request: bool) -> Metadata:
    message = flow.request if request else flow.response
    kind = message.headers.get("content-type") if message else None
    return Metadata(flow=flow, http_message=message, content_type=kind)


def ours(**more: Any) -> http.HTTPFlow:
    flow = tflow.tflow(
        req=http.Request.make("POST", "https://chat.z.ai/x", b"{}"),
        resp=http.Response.make(200, STREAM, {"content-type": "text/event-stream"}),
    )
    fields = {"provider": "zai", "account": "me", "model": "GLM-4.6", "outcome": "ok", "client_request": CLIENT}
    Annotation("req_1", **{**fields, "delivered": delivered("Hello 你好 🌏"), **more}).put_on(flow)
    return flow


def test_views_are_chosen_where_they_fit() -> None:
    flow = ours()
    assert ChatView().render_priority(b"", shown(flow, request=True)) > 1
    assert events_view().render_priority(b"", shown(flow, request=False)) > 1
    assert ChatView().render_priority(b"", shown(flow, request=False)) < 0
    assert events_view().render_priority(b"", shown(flow, request=True)) < 0
    foreign = tflow.tflow(resp=True)
    for view in (ChatView(), events_view(), DeliveredView()):
        for side in (True, False):
            assert view.render_priority(b"", shown(foreign, request=side)) < 0
            assert view.prettify(b"x", shown(foreign, request=side)) == NOT_OURS


def test_the_chat_is_readable() -> None:
    request = {
        "model": "GLM-4.6",
        "temperature": 0.5,
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"function": {"name": "find", "arguments": '{"q":1}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
        ],
    }
    text = ChatView().prettify(b"", shown(ours(client_request=json.dumps(request), first_token_ms=12), request=True))
    for words in (
        "Be kind.",
        "[picture: https://x/y.png]",
        "assistant calls find",
        "tool c1",
        "temperature=0.5",
        "12 ms",
    ):
        assert words in text
    assert "Hello 你好 🌏" in text
    assert "finish reason: stop" in text


class _Holding:
    """A decoder that says at the end what came piece by piece."""

    def __init__(self) -> None:
        self.held = b""

    def feed(self, data: bytes) -> list[Event]:
        self.held += data.strip()
        return []

    def close(self) -> list[Event]:
        return [Text(self.held.decode())]


def test_what_is_whole_only_in_a_view_is_cleaned_there() -> None:
    """A secret that came piece by piece stands in no single event, so it stands on the flow."""

    def clean(text: str) -> str:
        return text.replace("ak_9fPq2LzR7tXw", "~hidden~")

    told = delivered("Hello ak_9fPq") + delivered("2LzR7tXw") + delivered("ak_9fPq2LzR7tXw")
    flow = ours(delivered=told)
    assert "Hello ~hidden~" in ChatView(clean).prettify(b"", shown(flow, request=True))
    assert "ak_9fPq2LzR7tXw" not in DeliveredView(clean).prettify(b"", shown(flow, request=False))
    decoder: Any = _Holding()
    view = EventsView(lambda annotation: decoder, clean)
    assert "~hidden~" in view.prettify(b"ak_9fPq\n\n2LzR7tXw\n\n", shown(flow, request=False))


def test_views_are_registered_with_the_cleaning() -> None:
    registry = ContentviewRegistry()
    register_views(lambda annotation: ZaiDecoder(), lambda text: "cleaned", registry)
    for name, request in (("chat", True), ("provider events", False), ("openai stream", False)):
        assert registry[name].prettify(STREAM, shown(ours(), request=request)) == "cleaned"


def test_the_events_are_numbered_timed_and_read() -> None:
    first = STREAM.index(b"\n\n") + 2
    flow = ours(arrivals=((0.012, first), (0.345, len(STREAM) - first)))
    lines = events_view().prettify(STREAM, shown(flow, request=False)).splitlines()
    heads = [line for line in lines if line[:5].strip().isdigit()]
    assert [line.split()[:2] for line in heads] == [["1", "12"], ["2", "345"], ["3", "345"]]
    assert "text 'Hello '" in heads[0]
    assert "chat:completion answer" in heads[0]
    assert "END stop" in heads[2]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>", b"data: {", b"data: 1\n\n" * 3, b"\n\n\n\n"])
def test_odd_bodies_are_readable_too(body: bytes) -> None:
    assert events_view().prettify(body, shown(ours(), request=False))


def test_a_stream_that_goes_on_is_not_called_broken() -> None:
    begun = STREAM[: STREAM.index(b"\n\n") + 2]
    assert "end of the stream" in events_view().prettify(begun, shown(ours(), request=False))
    assert "end of the stream" not in events_view().prettify(begun, shown(ours(outcome="running"), request=False))


@pytest.mark.parametrize(
    "client", ["", "[]", "{", '{"messages": 3}', '{"messages": [1, {"content": {}}]}', '{"prompt": ["a"]}']
)
def test_odd_requests_are_readable_too(client: str) -> None:
    assert "req_1" in ChatView().prettify(b"", shown(ours(client_request=client), request=True))


def test_what_the_client_was_sent() -> None:
    text = DeliveredView().prettify(STREAM, shown(ours(deliveries=((0.012, 10_000),)), request=False))
    assert [line.split(maxsplit=2) for line in text.splitlines()][-3:] == [
        ["1", "12", "content 'Hello 你好 🌏'"],
        ["2", "12", "finish stop"],
        ["3", "12", "[DONE]"],
    ]
    assert "sent nothing" in DeliveredView().prettify(STREAM, shown(ours(delivered=""), request=False))


def test_our_views_come_first_in_every_list() -> None:
    registry = ContentviewRegistry()
    for name in ("raw", "json"):
        registry.register(of_mitmproxy[name])
    for _ in range(2):  # the second time is a reload of the addon
        register_views(lambda annotation: None, str, registry)
        views = registry.available_views()
        assert views == ["auto", "chat", "provider events", "openai stream", "json", "raw"]


def test_a_line_separator_in_a_text_ends_no_line_of_the_stream() -> None:
    said = json.dumps({"choices": [{"index": 0, "delta": {"content": "one\u2028two"}}]}, ensure_ascii=False)
    assert "one\u2028two" in chat_text(Annotation("req_1", delivered=f"data: {said}\n\n"))
    (row,) = rows(f"data: {said}\n\n".encode(), (), None)
    assert row.kind != "no JSON"
