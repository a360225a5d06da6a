"""Qwen's refusals through a gateway: what the client gets for each."""

import pytest

from providers.qwen.chat import QwenTurn
from providers.sandbox.qwen.site import QwenSite
from tests.providers.qwen.asking import posted, told
from tests.support.served import Served

REFUSED = [
    ("quota", 429, "insufficient_quota", "36000"),
    ("parallel", 429, "rate_limit_exceeded", None),
    ("429", 429, "rate_limit_exceeded", None),
    ("unauthorized", 502, "provider_auth", None),
    ("401", 502, "provider_auth", None),
    ("waf", 502, "provider_challenge", None),
    ("waf_html", 502, "provider_challenge", None),
    ("waf_403", 502, "provider_challenge", None),
    ("validation", 400, "invalid_request_error", None),
    ("bad_request", 502, "upstream_error", None),
    ("server", 502, "upstream_error", None),
    ("500", 502, "upstream_error", None),
    ("busy", 503, "conversation_busy", "2"),
    ("gone", 502, "conversation_gone", None),
    ("html", 502, "provider_challenge", None),
    ("wrong_type", 502, "upstream_error", None),
    ("invalid_input", 400, "invalid_request_error", None),
    ("unauthorized_in_stream", 502, "provider_auth", None),
    ("quota_in_stream", 429, "rate_limit_exceeded", None),
    ("truncated", 502, "upstream_eof", None),
    ("reset_first", 502, None, None),
    ("quota_limited", 429, "insufficient_quota", None),
    ("429_html", 429, "rate_limit_exceeded", None),
    ("418", 502, "provider_challenge", None),
    ("waf_302", 502, "provider_challenge", None),
    ("bad_request_final", 400, "invalid_request_error", None),
    ("vague", 400, "invalid_request_error", None),
    ("quota_lines", 429, "insufficient_quota", "36000"),
    ("waf_lines", 502, "provider_challenge", None),
    ("demand_page", 502, "provider_challenge", None),
    ("busy_400", 503, "conversation_busy", "2"),
    ("not_found", 502, "conversation_gone", None),
    ("parent_gone", 502, "conversation_gone", None),
    ("502", 502, "upstream_error", None),
    ("empty_json", 502, "upstream_error", None),
    ("wordless", 502, "provider_challenge", None),
    ("server_in_stream", 502, "upstream_error", None),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("fault", "status", "code", "wait"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refusals_are_true_errors(
    own: tuple[Served, QwenSite],
    fault: str,
    status: int,
    code: str | None,
    wait: str | None,
    stream: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(QwenTurn, "reads_back", False)
    cut = "variant=keep_alive text=word" if fault == "truncated" else ""
    answer = posted(own[0], f"{fault} {stream}\n!sandbox pace_ms=0 fault={fault} {cut}", stream=stream)
    if fault == "truncated" and stream and answer.status_code == 200:
        assert "[DONE]" not in answer.text
        return
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert code is None or error["code"] == code
    assert answer.headers.get("retry-after") == wait
    assert "x5secdata" not in answer.text + own[0].log


@pytest.mark.parametrize("stream", [True, False])
def test_a_limit_says_when_to_come_again(own: tuple[Served, QwenSite], stream: bool) -> None:
    answer = posted(own[0], "Hi\n!sandbox fault=429 retry_after=7", stream=stream)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("quota", 429, "insufficient_quota"),
        ("waf", 502, "provider_challenge"),
        ("waf_html", 502, "provider_challenge"),
        ("waf_302", 502, "provider_challenge"),
        ("validation", 400, "invalid_request_error"),
        ("server", 502, "upstream_error"),
        ("empty_json", 502, "upstream_error"),
        ("wrong_type", 502, "upstream_error"),
    ],
)
def test_a_refused_new_chat_is_told_like_a_refused_answer(
    own: tuple[Served, QwenSite], fault: str, status: int, code: str, stream: bool
) -> None:
    gateway, site = own
    before = sum(request.path.endswith("completions") for request in site.requests)
    site.new_chat_fault = fault
    try:
        answer = posted(gateway, f"new chat {fault}", stream=stream)
    finally:
        site.new_chat_fault = ""
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert sum(request.path.endswith("completions") for request in site.requests) == before


@pytest.mark.parametrize("fault", ["gone_once", "bad_request_once", "parent_gone_once", "unauthorized_once"])
def test_what_another_chat_or_a_renewed_session_mends_is_not_seen(own: tuple[Served, QwenSite], fault: str) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.session())  # one that was not renewed a moment ago
    chats = len(site.chats)
    answer = posted(gateway, f"mended {fault}\n!sandbox pace_ms=0 text=done fault={fault}")
    assert told(answer)[0] == "done"
    assert len(site.chats) == chats + 2


def test_a_model_the_site_has_given_up_is_named(own: tuple[Served, QwenSite]) -> None:
    answer = posted(own[0], "Hi", model="qwen3-vl-plus")  # built in, but not of this site
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_a_newer_page_is_noticed_once(own: tuple[Served, QwenSite]) -> None:
    """A vague refusal may mean an old version header: the page's is read, and the request made again."""
    gateway, site = own
    site.client_version = "0.4.7"
    asked = len(site.requests)
    for _ in range(2):
        assert told(posted(gateway, "Hi\n!sandbox pace_ms=0 text=done"))[0] == "done"
    assert [request.path for request in site.requests[asked:]].count("/") == 1
    calls = [request for request in site.requests[asked:] if request.path.endswith("completions")]
    assert [call.headers["version"] for call in calls] == ["0.3.12", "0.4.7", "0.4.7"]


def test_what_stays_refused_with_the_newest_version_is_told_as_such(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    site.client_version = "0.4.8"
    asked = len(site.requests)
    answer = posted(gateway, "Hi\n!sandbox fault=bad_request_final", stream=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_outdated_client")
    assert [request.path for request in site.requests[asked:]].count("/") == 1
