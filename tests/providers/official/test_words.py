"""Words of a refusal: what they tell beyond code and status, and how they are passed on."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.official.codes import COMMON
from providers.official.errors import classify
from providers.shared.quotable import MESSAGE_LIMIT
from tests.providers.official.refusing import error, refusal

K = ErrorKind


def page(status: int, body: bytes, **headers: str) -> ProviderError:
    given = {"content-type": "text/html; charset=utf-8", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return classify(status, given, body, COMMON)


def test_a_challenge_page_is_a_challenge() -> None:
    body = b"<!DOCTYPE html><title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/x></script>"
    assert page(403, body).kind is K.CHALLENGE
    assert page(503, b"<html></html>", cf_mitigated="challenge").kind is K.CHALLENGE
    assert page(200, b"<html>captcha</html>").kind is K.CHALLENGE


def test_other_pages_say_what_they_are() -> None:
    found = page(502, b"<html><head><title>502 Bad Gateway</title></head>", retry_after="7")
    assert (found.kind, found.retry_after_s) == (K.PROVIDER_DOWN, 7)
    assert "502 Bad Gateway" in found.message
    assert page(429, b"<html>").kind is K.RATE_LIMITED
    assert "base_url" in page(200, b"<html><title>Welcome</title>").message
    assert "base_url" in page(404, b"<html><title>Welcome</title>").message


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF123456",
        "sk-or-v1-0123456789abcdef",
        "IFM-abcdef123456",
        "Bearer abcdefgh12345",
        "0123456789abcdef0123456789abcdef.ABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig",
    ],
)
def test_keys_in_an_apis_words_are_not_passed_on(secret: str) -> None:
    found = refusal(401, error(f"Incorrect key provided: {secret}"))
    assert secret not in found.message
    assert "Incorrect key provided" in found.message


def test_signed_links_lose_their_signature() -> None:
    message = refusal(400, error("cannot read https://a.example/x.png?sig=abc&e=1 now")).message
    assert "https://a.example/x.png now" in message
    assert "sig" not in message


def test_words_are_short_and_in_one_line() -> None:
    message = refusal(400, error("a\r\nb\t" + "long " * 10_000)).message
    assert "a b long" in message
    assert len(message) < MESSAGE_LIMIT + 60


def test_param_and_code_are_names_or_nothing() -> None:
    found = refusal(400, error("bad", param="messages[0].content", code="invalid_value"))
    assert (found.param, found.site_code) == ("messages[0].content", "invalid_value")
    found = refusal(400, error("bad", param="all of this\n", code="some free text"))
    assert (found.param, found.site_code) == (None, None)
    assert refusal(422, {"detail": [{"loc": ["body", "top_p"], "msg": "too big"}]}).param == "top_p"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error("This model is not allowed for your tier.", type="tier_not_allowed", code="3403"), K.MODEL_UNAVAILABLE),
        (error("Blocked.", type="permissions_error", code="model_permission_blocked_project"), K.MODEL_UNAVAILABLE),
        (error("Project has no access to model `x`", type="permission_error"), K.MODEL_UNAVAILABLE),
        (error("Country, region, or territory not supported", code="x"), K.FORBIDDEN),
        (error("Your IP is not in the list", type="permission_error"), K.FORBIDDEN),
        (error("Invalid API key"), K.SESSION_EXPIRED),
        (error("Your API key was revoked"), K.SESSION_EXPIRED),
        (error("Insufficient credits"), K.QUOTA),
        ({}, K.FORBIDDEN),
    ],
)
def test_a_403_blames_the_key_only_where_it_is_the_key(body: Any, kind: ErrorKind) -> None:
    found = refusal(403, body)
    assert found.kind is kind
    assert found.credential == "key"


@pytest.mark.parametrize(
    ("status", "message", "code", "kind"),
    [
        (403, "User location is not supported for the API use.", None, K.FORBIDDEN),
        (400, "User location is not supported for the API use.", None, K.FORBIDDEN),
        (401, "Country, region, or territory not supported", "unsupported_country_region_territory", K.FORBIDDEN),
        (451, "This service is not available in your country", None, K.FORBIDDEN),
        (403, "You are not allowed to sample from this model", None, K.MODEL_UNAVAILABLE),
        (403, "API key not valid. Please pass a valid API key.", None, K.SESSION_EXPIRED),
        (400, "the parameter region is unknown", None, K.BAD_REQUEST),
        (429, "Too many requests per minute, check your balance", "insufficient_quota", K.RATE_LIMITED),
        (429, "You exceeded your current quota, please check your plan", "insufficient_quota", K.QUOTA),
    ],
)
def test_what_is_not_the_keys_fault(status: int, message: str, code: str | None, kind: ErrorKind) -> None:
    assert refusal(status, error(message, code=code)).kind is kind
