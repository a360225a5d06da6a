"""Waits and moments as sites name them, one reader for all; and how long any provider's answer can rest an account."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.accounts.account import Account
from addons.accounts.report import moment_text
from addons.accounts.state_store import FileStateStore
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Provider
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials
from providers.formats.jwt import claims, ends_at
from providers.formats.moments import LAST_S, date_s, moment_s
from providers.registry import provider_class
from providers.shared.retry_after import LONGEST_S, header_wait, retry_after
from tests.support.accounts import account, around, saved
from tests.support.adapters import jwt
from tests.support.turns import turn_of

DATE = "Thu, 26 Nov 2026 12:00:00 GMT"
NOW_S = 1_795_694_400
"""The same moment."""
MONTH_S = 31 * 86_400


# -- waits in headers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7.5 "}, 7.5),
        ({"retry-after": "1e2"}, 100),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "30s"}, 30),
        ({"retry-after": "250ms"}, 0.25),
        ({"retry-after": "2h"}, 7200),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Thu, 26 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Thu, 26 Nov 2026 14:01:00 +0200"}, 60),
        ({"retry-after": "2026-11-26T12:01:00Z"}, 60),
        ({"retry-after": str(NOW_S + 60)}, 60),
        ({"retry-after": str((NOW_S + 60) * 1000)}, 60),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": '"burst";r=0;t=5, "daily" ; R=0 ; T=600, "other";r=3;t=900'}, 600),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"ratelimit": "limit=100, remaining=1, reset=50"}, None),
        ({"ratelimit": '"default";r=1;t=30'}, None),
        ({"ratelimit": '"default";r=0'}, None),
        ({"ratelimit": '"default";r=0;t=soon'}, None),
        ({"ratelimit": '"default";r=0;t=-1'}, None),
        ({"ratelimit": ",;=;,=;r=0;t=0;;" * 500}, None),
        ({"ratelimit": '"default";r=0;t=30', "retry-after": "7"}, 7),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2m",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "3m",
                "x-ratelimit-remaining-images": "1",
                "x-ratelimit-reset-images": "9m",
            },
            180,
        ),
        ({"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "33011.38"}, 33011.38),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((NOW_S + 90) * 1000)}, 90),
        ({"x-ratelimit-reset": str(NOW_S + 90)}, 90),
        ({"ratelimit-reset": "12"}, 12),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2026-11-26T12:00:40Z",
            },
            40,
        ),
        ({"retry-after": "3", "x-ratelimit-reset": "60"}, 3),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-reset-requests": "6m0s"}, None),
        ({"x-ratelimit-remaining": "59", "x-ratelimit-reset": "60"}, None),
        ({"x-ratelimit-reset": str(NOW_S - 5)}, None),
        ({"retry-after": "978307200"}, None),
        ({"retry-after": "2678401"}, None),
        ({"retry-after": "9999h"}, None),
        ({"retry-after": "Fri, 26 Nov 2056 12:00:00 GMT"}, None),
        ({"retry-after": "Thu, 26 Nov 2026 11:00:00 GMT"}, None),
        ({"retry-after": "2026-11-26T12:01:00"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "7 apples"}, None),
        ({"retry-after": "1" * 5000}, None),
        ({"retry-after": "1s" * 5000}, None),
    ],
)
def test_waits_in_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert header_wait({"date": DATE, **headers}) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("said", ["Thu, 26 Nov 2026 12:01:00 GMT", "2026-11-26T12:01:00Z", str(NOW_S + 60)])
def test_a_date_needs_the_answers_own_clock(said: str) -> None:
    assert header_wait({"retry-after": said}) is None
    assert header_wait({"retry-after": said, "date": "yesterday"}) is None


@pytest.mark.parametrize(
    ("value", "words", "seconds"),
    [
        ({"error": {"retry_after": 4}}, "", 4),
        ({"error": {"retry_after": "1m"}}, "", 60),
        ({"error": {"retry_after_ms": 4000}}, "", 4),
        ({"retry_after_seconds": 4.5}, "", 4.5),
        ([{"error": {"details": [{"retryDelay": "6s"}]}}], "", 6),
        ([{"error": {"details": [{"retryDelay": "6.5s"}]}}], "", 6.5),
        (
            {"error": {"metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795694460000"}}}},
            "",
            60,
        ),
        ({}, "Please try again in 6m0s.", 360),
        ({}, "Rate limit: please wait 29 seconds before retrying", 29),
        ({}, "try again in 2 days", 172_800),
        ({}, "Try again in 120ms", 0.12),
        ({"error": {"retry_after": True}}, "", None),
        ({"error": {"retry_after": [1]}}, "", None),
        ({"error": {"retry_after": 1e300}}, "", None),
        ({"error": {"retry_after": 10**400}}, "", None),
        ({}, "try again in 9999999 hours", None),
    ],
)
def test_waits_in_bodies(value: Any, words: str, seconds: float | None) -> None:
    found = retry_after({"date": DATE}, value, words)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=300)
def test_any_header_is_read_within_bounds(said: str, date: str) -> None:
    for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset"):
        found = header_wait({name: said, "date": date})
        assert found is None or 0 < found <= LONGEST_S


# -- moments ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1_800_000_000, 1_800_000_000),
        (1_800_000_000.9, 1_800_000_000),
        (1_800_000_000_123, 1_800_000_000),
        (0, 0),
        (-5, 0),
        (-1e300, 0),
        (LAST_S, LAST_S),
        (LAST_S * 1000 + 1000, None),
        (10**30, None),
        (10**400, None),
        (1e308, None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ("1800000000", None),
        (None, None),
        ([1], None),
    ],
)
def test_moments(value: Any, moment: int | None) -> None:
    assert moment_s(value) == moment
    if moment is not None:
        moment_text(moment, 0)


@pytest.mark.parametrize(
    "text",
    [None, "", "soon", "a" * 200, "Thu, 26 Nov 99999 12:00:00 GMT", "0001-01-01T00:00:00+23:59", "2026-13-01T00:00Z"],
)
def test_dates_that_are_none(text: str | None) -> None:
    assert date_s(text) is None


@pytest.mark.parametrize("site", ["zai", "qwen", "k2think"])
@pytest.mark.parametrize("end", [10**30, -5, 1.5e9, 1_900_000_000_000, True, "x", None, [1], {"a": 1}, float("inf")])
def test_any_end_in_a_token_can_be_told(site: str, end: object) -> None:
    """A site, or who wrote the file that was imported, chooses the claims."""
    cls = provider_class(site)
    session = cls(site, cls.Options.model_validate({})).read_session(
        "main", Credentials(token=jwt(id="u1", email="a@b.example", exp=end))
    )
    assert session.expires_at is None or 0 <= session.expires_at <= LAST_S
    moment_text(session.expires_at or 0, NOW_S)


@given(st.dictionaries(st.sampled_from(["exp", "id", "role"]), st.none() | st.integers() | st.floats() | st.text()))
def test_any_claims_are_read(found: dict[str, Any]) -> None:
    read = claims(jwt(**found))
    assert read is not None
    assert ends_at(read) is None or ends_at(read) == moment_s(found["exp"])


# -- rests ------------------------------------------------------------------------------------------------------------
NAMED = ("978307200", "2000000", "1e9", "Fri, 26 Nov 2056 12:00:00 GMT", "9999999999999", "99h", "nan")
"""Waits that a site may name: 31 years, three weeks, dates in other units."""
ZAI_BODIES: tuple[dict[str, Any], ...] = ({}, {"detail": "too many requests, try again in 600 hours"})
BODIES: dict[str, tuple[dict[str, Any], ...]] = {
    "zai": (*ZAI_BODIES, {"error": {"code": "MODEL_CONCURRENCY_LIMIT", "retry_after": 2_000_000}}),
    "qwen": (
        {"success": False, "data": {"code": "RateLimited", "num": 9999, "template": "{{num}} day"}},
        {"success": False, "data": {"code": "QuotaLimited", "num": 9999, "template": "{{num}} hours"}},
        {"success": False, "data": {"code": "TooManyRequests"}, "retry_after": 2_000_000},
    ),
    "k2think": ({"detail": "rate limit exceeded, retry in 600 hours"}, {"detail": "quota", "retry_after": 1e12}),
    "longcat": ({"code": 429, "message": "too fast, wait 600 hours"},),
    "openai_compatible": (
        {"error": {"code": "rate_limit_exceeded", "message": "try again in 600h"}},
        {"error": {"code": "insufficient_quota", "message": "try again in 9000 h", "resets_in_seconds": 1e9}},
    ),
}


def provider_of(site: str) -> Provider[Any]:
    if site == "dashscope":
        site, options = "openai_compatible", {"preset": "dashscope-intl"}
    else:
        options = {"base_url": "https://api.example/v1"} if site == "openai_compatible" else {}
    cls = provider_class(site)
    return cls(site, cls.Options.model_validate(options))


def classified(provider: Provider[Any], status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    return turn_of(provider, ChatRequest("m", ())).classify(status, headers, body)


def refusals(site: str) -> Iterator[ProviderError]:
    provider = provider_of(site)
    for named in (None, *NAMED):
        headers = {"date": DATE, "content-type": "application/json", **({"retry-after": named} if named else {})}
        for body in BODIES[site]:
            yield classified(provider, 429, headers, json.dumps(body).encode())


def account_in(folder: Path, site: str) -> tuple[Account, FileStateStore]:
    store = FileStateStore(folder / "accounts.json", lambda: float(NOW_S))
    return account((site, "main"), around(store, now=lambda: float(NOW_S))), store


@pytest.mark.parametrize("site", BODIES)
def test_no_answer_rests_an_account_for_long(site: str, tmp_path: Path) -> None:
    """A rate limit for no longer than cooldown.max_s, an allowance for a month at most; after a restart as well."""
    tmp_path.chmod(0o700)
    for error in refusals(site):
        assert error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.QUOTA)
        longest = MONTH_S if error.kind is ErrorKind.QUOTA else 600
        asked, store = account_in(tmp_path, site)
        asked.reset()
        store.reset([asked.key])
        asked.failed("m", error)
        saved(store)
        for later in (asked, account_in(tmp_path, site)[0]):
            blocked = later.availability.blocked("m")
            assert blocked is not None
            assert 0 < blocked.wait_s <= longest, (error, error.retry_after_s)


# -- a refusal of one model -------------------------------------------------------------------------------------------
OF_ONE_MODEL = [
    ("zai", 403, {"detail": "model GLM-5.3 is not available for your account level"}),
    ("zai", 429, {"error": {"code": "MODEL_CONCURRENCY_LIMIT"}}),
    ("k2think", 403, {"detail": "Model not available"}),
    ("qwen", 403, {"success": False, "data": {"code": "Model_NotFound", "details": "model x not found"}}),
    ("openai_compatible", 403, {"error": {"code": "model_permission_blocked_project", "message": "blocked"}}),
    ("openai_compatible", 403, {"error": {"code": "tier_not_allowed", "message": "This tier may not use the model"}}),
    (
        "openai_compatible",
        403,
        {"error": {"message": "Project does not have access to model `m`", "code": "model_not_found"}},
    ),
    ("openai_compatible", 403, {"error": {"message": "The model m needs credits: add billing to use it"}}),
    ("openai_compatible", 403, {"error": {"status": "PERMISSION_DENIED", "message": "not allowed in your country"}}),
    (
        "openai_compatible",
        403,
        {
            "error": {
                "code": "AllocationQuota.FreeTierOnly",
                "message": "The free tier of the model has been exhausted.",
            }
        },
    ),
    (
        "openai_compatible",
        429,
        {"error": {"code": "insufficient_quota", "message": "free quota of model m per day used up"}},
    ),
]


FREE_TIER = {
    "error": {"code": "AllocationQuota.FreeTierOnly", "message": "The free tier of the model has been used up."}
}
THROTTLED = {
    "error": {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded, please increase it."}
}
OF_ONE_MODEL += [
    ("dashscope", 403, FREE_TIER),
    ("dashscope", 429, THROTTLED),
    ("dashscope", 429, {"error": {"code": "insufficient_quota", "message": "The quota of this model is used up"}}),
]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (402, {"error": {"message": "Insufficient Balance for this model"}}),
        (429, {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota, check your plan"}}),
    ],
)
def test_a_used_up_balance_is_the_accounts(status: int, body: Any, tmp_path: Path) -> None:
    asked, _ = account_in(tmp_path, "p")
    asked.failed("m", classified(provider_of("openai_compatible"), status, {}, json.dumps(body).encode()))
    assert asked.availability.blocked("another") is not None


@pytest.mark.parametrize(("site", "status", "body"), OF_ONE_MODEL)
def test_a_refusal_of_one_model_leaves_the_others(site: str, status: int, body: Any, tmp_path: Path) -> None:
    asked, _ = account_in(tmp_path, site)
    error = classified(provider_of(site), status, {"content-type": "application/json"}, json.dumps(body).encode())
    assert error.kind not in (ErrorKind.SESSION_EXPIRED, ErrorKind.ACCOUNT_BLOCKED, ErrorKind.CHALLENGE)
    asked.failed("m", error)
    assert asked.availability.blocked("another") is None
    assert not asked.availability.is_deferred()
