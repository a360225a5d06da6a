"""The refusals of the Qwen stand-in: form, status, and what the reader of the real ones makes of them."""

import json

import pytest

from providers.contract.errors import ErrorKind
from providers.qwen.errors import refusal
from providers.sandbox.qwen.refusals import DEMANDS, IN_STREAM, REFUSALS, WAF_JSON, Refusal, invalid, refused
from providers.sandbox.server import Request, Site, Wire
from tests.support.asked import RecordedAnswer, ask


class Refusing(Site):
    refusal: Refusal
    retry_after = ""

    async def handle(self, request: Request, wire: Wire) -> None:
        await self.refusal.send(wire, self.retry_after)


def sent(one: Refusal, retry_after: str = "") -> RecordedAnswer:
    site = Refusing()
    site.refusal, site.retry_after = one, retry_after
    return ask(site, "POST", "/")


def test_a_refusal_is_in_the_sites_form_with_an_id_of_its_own() -> None:
    first, second = refused("Code", "words", num=3), refused("Code", "words")
    assert first["data"] == {"code": "Code", "details": "words", "num": 3}
    assert first["success"] is False
    assert first["request_id"] != second["request_id"]


def test_problems_of_a_form_are_a_list_in_a_string() -> None:
    found = invalid("one", "two")["data"]
    assert found["code"] == "RequestValidationError"
    assert json.loads(found["details"]) == ["one", "two"]


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (Refusal({"a": "é"}), "application/json"),
        (Refusal("<html>"), "text/html; charset=utf-8"),
        (Refusal("words", content_type="text/plain"), "text/plain"),
    ],
)
def test_a_body_is_sent_as_what_it_is(one: Refusal, kind: str) -> None:
    answer = sent(one)
    assert (answer.status, answer.headers["content-type"], answer.whole) == (200, kind, True)
    assert answer.json == one.body if not isinstance(one.body, str) else answer.text == one.body


def test_a_wait_is_named_where_the_directive_names_one() -> None:
    one = Refusal("", 302, headers={"location": "https://x"})
    assert sent(one).headers.get("retry-after") is None
    answer = sent(one, "7")
    assert (answer.status, answer.headers["retry-after"], answer.headers["location"]) == (302, "7", "https://x")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("quota", ErrorKind.QUOTA),
        ("quota_limited", ErrorKind.QUOTA),
        ("parallel", ErrorKind.RATE_LIMITED),
        ("unauthorized", ErrorKind.SESSION_EXPIRED),
        ("401", ErrorKind.SESSION_EXPIRED),
        ("429", ErrorKind.RATE_LIMITED),
        ("429_html", ErrorKind.RATE_LIMITED),
        ("418", ErrorKind.CHALLENGE),
        ("waf", ErrorKind.CHALLENGE),
        ("waf_lines", ErrorKind.CHALLENGE),
        ("waf_html", ErrorKind.CHALLENGE),
        ("waf_403", ErrorKind.CHALLENGE),
        ("validation", ErrorKind.BAD_REQUEST),
        ("server", ErrorKind.PROVIDER_DOWN),
        ("busy", ErrorKind.CONVERSATION_BUSY),
        ("busy_400", ErrorKind.CONVERSATION_BUSY),
        ("gone", ErrorKind.CONVERSATION_GONE),
        ("parent_gone", ErrorKind.CONVERSATION_GONE),
        ("500", ErrorKind.PROVIDER_DOWN),
        ("502", ErrorKind.PROVIDER_DOWN),
    ],
)
def test_a_refusal_means_to_the_reader_what_its_name_says(fault: str, kind: ErrorKind) -> None:
    answer = sent(REFUSALS[fault])
    assert refusal(answer.status, answer.headers, answer.body).kind is kind


def test_a_demand_holds_the_edges_words_in_each_form() -> None:
    for name, data in DEMANDS.items():
        read = data.removeprefix(b"data: ")
        if "page" in name:
            assert b"aliyun_waf" in read
        else:
            assert json.loads(read) == WAF_JSON
        assert data.startswith(b"data: ") == (name in ("demand", "demand_page"))


def test_errors_of_a_stream_have_words() -> None:
    assert all(said.get("details") or said.get("message") for said in IN_STREAM.values())
