"""Whole exchanges out of a HAR or a flow file, as flows."""

import base64
import io
import json
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from addons.importing.contents import ImportProblem
from addons.importing.exchanges import read_exchanges
from tests.support.hars import entry, har

URL = "https://chat.z.ai/api/v1/chats"


def flows(*urls: str) -> bytes:
    out = io.BytesIO()
    for url in urls:
        FlowWriter(out).add(tflow.tflow(req=http.Request.make("POST", url, b"asked"), resp=True))
    return out.getvalue()


def answered(**more: Any) -> dict[str, Any]:
    """An entry as Chrome writes it, with `more` in the place of its parts."""
    made = entry(URL, body={"said": "grüezi"})
    made["request"] |= {"httpVersion": "h2", "cookies": [], "queryString": [], "headersSize": -1, "bodySize": 0}
    made["response"] |= {"httpVersion": "h2", "statusText": "OK", "cookies": [], "redirectURL": "", "bodySize": 9}
    return {"startedDateTime": "2026-01-02T03:04:05.000Z", "time": 250, **made, **more}


def test_a_flow_file_gives_its_http_flows() -> None:
    found = read_exchanges(flows(URL, f"{URL}/2"))
    assert [flow.request.url for flow in found] == [URL, f"{URL}/2"]
    assert found[0].request.content == b"asked"


def test_flows_that_are_no_http_are_left_out() -> None:
    out = io.BytesIO()
    FlowWriter(out).add(tflow.ttcpflow())
    assert [flow.request.url for flow in read_exchanges(out.getvalue() + flows(URL))] == [URL]
    with pytest.raises(ImportProblem, match="no HTTP exchange"):
        read_exchanges(out.getvalue())


def test_a_flow_file_that_was_cut_off_gives_what_is_whole() -> None:
    data = flows(URL, f"{URL}/2")
    assert [flow.request.url for flow in read_exchanges(data[:-10])] == [URL]
    with pytest.raises(ImportProblem, match="neither a HAR nor a flow file"):
        read_exchanges(data[:20])


@pytest.mark.parametrize("mark", ["", "\ufeff", "\n\t "])
def test_a_har_is_known_by_its_beginning(mark: str) -> None:
    [flow] = read_exchanges(mark.encode() + har(answered()))
    assert flow.request.url == URL
    assert flow.response is not None
    assert json.loads(flow.response.content or b"") == {"said": "grüezi"}


def test_letters_of_a_text_are_utf_8() -> None:
    """mitmproxy's own reader takes text for Latin-1."""
    made = answered()
    made["response"]["content"] = {"text": "grüezi 你好"}
    [flow] = read_exchanges(har(made))
    assert flow.response is not None
    assert flow.response.content == "grüezi 你好".encode()


def test_bytes_stay_bytes_and_are_not_unpacked_twice() -> None:
    made = answered()
    made["response"]["content"] = {"text": base64.b64encode(b"\xff\x00").decode(), "encoding": "base64"}
    made["response"]["headers"] = [{"name": "Content-Encoding", "value": "gzip"}, {"name": "x-a", "value": "1"}]
    [flow] = read_exchanges(har(made))
    assert flow.response is not None
    assert flow.response.raw_content == b"\xff\x00"
    assert "content-encoding" not in flow.response.headers
    assert flow.response.headers["x-a"] == "1"


def test_what_was_posted_is_kept() -> None:
    made = answered()
    made["request"] |= {"method": "POST", "postData": {"mimeType": "application/json", "text": '{"a": 1}'}}
    [flow] = read_exchanges(har(made))
    assert (flow.request.method, flow.request.content) == ("POST", b'{"a": 1}')


@pytest.mark.parametrize(("time_ms", "seconds"), [(250, 0.25), (-1, 0), (None, 0), ("250", 0)])
def test_times_that_are_none_count_as_nothing(time_ms: object, seconds: float) -> None:
    [flow] = read_exchanges(har(answered(time=time_ms)))
    assert flow.response is not None
    assert flow.response.timestamp_end is not None
    assert flow.response.timestamp_end - flow.request.timestamp_start == pytest.approx(seconds, abs=1e-3)


def test_an_entry_without_a_time_of_day_is_of_the_beginning() -> None:
    [flow] = read_exchanges(har(answered(startedDateTime=None)))
    assert flow.request.timestamp_start == 0


@pytest.mark.parametrize(
    "broken",
    [
        5,
        {},
        {"request": {"url": URL}},
        answered(response=None),
        answered(request={"method": "GET"}),
        answered(startedDateTime="yesterday"),
        answered(response={"status": "x", "headers": [1]}),
    ],
)
def test_an_entry_without_an_answer_is_passed_over(broken: Any) -> None:
    assert [flow.request.url for flow in read_exchanges(har(broken, answered()))] == [URL]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b'{"log": {"entries": [', "cut off"),
        (b'{"log": "\xff"}', "cut off"),
        (b'{"a":' * 100_000, "cut off"),
        (b'{"log": {"entries": 5}}', "no log.entries"),
        (b'{"log": {"entries": []}}', "no HTTP exchange"),
        (b"not a file of ours", "neither a HAR nor a flow file"),
        (b"5:hello;", "neither a HAR nor a flow file"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, words: str) -> None:
    with pytest.raises(ImportProblem, match=words):
        read_exchanges(data)
