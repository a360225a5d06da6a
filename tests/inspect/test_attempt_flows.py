"""Flows of their own for attempts that were followed by another, and for preparing calls."""

from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.test import tflow

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import KnownSecret
from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.attempt_flows import SHOWN_BYTES, SHOWN_FILE_BYTES, end_as_attempt, own_flow, step_flow
from addons.transport.sealing import Owner
from addons.transport.step_runner import CallRecord
from providers.contract.call import Call
from providers.contract.steps import Answer

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
CLEANER = Cleaner.knowing([KnownSecret(KEY, "api_key", "p", "a")])
NOTE = Annotation("req_1", provider="p", account="a", model="m", outcome="failed", error="was refused", followed=True)


def test_an_attempt_that_was_refused_is_kept_with_its_answer() -> None:
    flow = tflow.tflow(resp=True)
    flow.live, flow.intercepted = True, True
    end_as_attempt(copy := own_flow(flow), NOTE)
    assert copy.id != flow.id
    assert (copy.live, copy.intercepted, copy.error) == (False, False, None)
    assert (copy.marked, "was refused" in copy.comment) == (":arrow_right_hook:", True)
    found = annotation_of(copy)
    assert found is not None
    assert found.followed
    assert annotation_of(flow) is None, "the flow that goes on is left alone"


@pytest.mark.parametrize(("error", "said"), [("was refused", "was refused"), ("", "there was no answer")])
def test_one_without_an_answer_does_not_look_as_if_it_still_ran(error: str, said: str) -> None:
    end_as_attempt(copy := own_flow(tflow.tflow()), Annotation("req_1", outcome="failed", error=error))
    assert copy.error is not None
    assert copy.error.msg == said


def step(call: Call, answer: Answer | None = None, *, error: str = "", began: float = 10.0) -> http.HTTPFlow:
    return step_flow(CallRecord(Owner("p", "a"), call, answer, error, began, began + 0.5), "req_1", CLEANER)


def answered(body: bytes = b"{}", *, cookies: tuple[str, ...] = (), **fields: str) -> Answer:
    return Answer(200, {name.replace("_", "-"): value for name, value in fields.items()}, body, cookies)


def test_a_preparing_call_is_told_as_a_step() -> None:
    flow = step(Call("POST", "https://site.example/new?x=1", (), b'{"a": 1}'), answered())
    annotation = annotation_of(flow)
    assert annotation is not None
    assert (annotation.part, annotation.call, annotation.outcome, annotation.total_ms) == (
        "step",
        "POST /new",
        "ok",
        500,
    )
    assert (annotation.provider, annotation.account, annotation.request_id) == ("p", "a", "req_1")
    assert flow.server_conn.address == ("site.example", 443)
    assert (flow.request.timestamp_start, flow.live) == (10.0, False)
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.timestamp_end) == (200, 10.5)
    assert flow.marked == ":gear:"


def test_a_preparing_call_shows_the_connection_that_carried_it() -> None:
    server = Server(address=("site.example", 443))
    call = Call("POST", "https://site.example/new")
    flow = step_flow(CallRecord(Owner("p", "a"), call, answered(), "", 10.0, 10.5, server), "req_1", CLEANER)
    assert flow.server_conn is server


@pytest.mark.parametrize(("url", "port"), [("http://127.0.0.1:9/a", 9), ("http://site.example/a", 80)])
def test_the_port_is_the_calls(url: str, port: int) -> None:
    assert step(Call("GET", url)).server_conn.address[1] == port  # type: ignore[index]


def test_of_a_file_that_was_sent_little_is_shown() -> None:
    file = step(Call("PUT", "https://store.example/a", (), b"\x89PNG" + bytes(1_000_000)), answered())
    assert file.request.raw_content == b"\x89PNG" + bytes(SHOWN_FILE_BYTES - 4)
    words = step(Call("POST", "https://site.example/a", (), b'{"a":"' + b"x" * 1_000_000 + b'"}'), answered())
    assert len(words.request.raw_content or b"") == SHOWN_BYTES


def test_an_answer_that_hands_out_secrets_is_not_shown() -> None:
    flow = step(Call("POST", "https://site.example/a", hides_answer=True), answered(b"a secret", x_key="another"))
    assert flow.response is not None
    assert flow.response.content == b"~hidden~"
    assert "another" not in str(flow.response.headers)


def test_one_that_failed_has_no_answer() -> None:
    flow = step(Call("GET", "https://site.example/a"), error="did not answer in time")
    annotation = annotation_of(flow)
    assert annotation is not None
    assert (flow.response, annotation.outcome, annotation.error) == (None, "failed", "did not answer in time")


def test_nothing_secret_stands_in_it() -> None:
    call = Call(
        "POST", f"https://site.example/{KEY}?id={KEY}", (("x-a", KEY), ("authorization", "Bearer x")), KEY.encode()
    )
    cookies = ("sid=handed-out-just-now-7; Path=/",)
    body = f"my {KEY} and handed-out-just-now-7".encode()
    flow = step(call, answered(body, cookies=cookies, x_said=KEY, set_cookie="sid=handed-out-just-now-7"))
    text = repr(flow.get_state())
    assert KEY not in text
    assert "handed-out-just-now-7" not in text
    assert flow.response is not None
    assert flow.response.headers.get_all("set-cookie") == [f"sid={HIDDEN}"]


def test_headers_of_the_wire_are_not_those_of_what_is_kept() -> None:
    headers: dict[str, Any] = {"transfer_encoding": "chunked", "content_encoding": "gzip", "x_kept": "1"}
    flow = step(Call("GET", "https://site.example/"), answered(b"plain", **headers))
    assert flow.response is not None
    assert flow.response.content == b"plain"
    assert flow.response.headers["x-kept"] == "1"
    assert "transfer-encoding" not in flow.response.headers
    assert "content-encoding" not in flow.response.headers


@pytest.mark.parametrize("more", [0, 1])
def test_of_a_long_answer_the_beginning_is_kept(more: int) -> None:
    flow = step(Call("GET", "https://site.example/"), answered(b"ab" * (SHOWN_BYTES // 2) + b"x" * more))
    assert flow.response is not None
    assert len(flow.response.content or b"") == SHOWN_BYTES
