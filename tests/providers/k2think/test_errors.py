import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.k2think.errors import json_error, refusal


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(401, '{"detail":"x"}', ErrorKind.SESSION_EXPIRED, id="401"),
        pytest.param(401, "", ErrorKind.SESSION_EXPIRED, id="bare-401"),
        pytest.param(403, '{"detail":"x"}', ErrorKind.SESSION_EXPIRED, id="403"),
        pytest.param(403, "<html>", ErrorKind.CHALLENGE, id="403-page"),
        pytest.param(400, '{"detail":"Model not found"}', ErrorKind.MODEL_UNAVAILABLE, id="no-model"),
        pytest.param(404, '{"message":"The model K2 does not exist"}', ErrorKind.MODEL_UNAVAILABLE, id="404"),
        pytest.param(400, '{"detail":"bad"}', ErrorKind.BAD_REQUEST, id="400"),
        pytest.param(400, '{"error":{"message":"too long"}}', ErrorKind.TOO_LONG, id="too-long"),
        pytest.param(422, '{"detail":[{"loc":["body"],"msg":"field required"}]}', ErrorKind.BAD_REQUEST, id="422"),
        pytest.param(429, '{"message":"slow down"}', ErrorKind.RATE_LIMITED, id="429"),
        pytest.param(429, '{"message":"daily quota"}', ErrorKind.QUOTA, id="429-quota"),
        pytest.param(503, "<html>Attention Required! | Cloudflare", ErrorKind.CHALLENGE, id="503-check"),
        pytest.param(503, "<html>nginx", ErrorKind.PROVIDER_DOWN, id="503-page"),
        pytest.param(502, "<html>cloudflare", ErrorKind.PROVIDER_DOWN, id="502-page"),
        pytest.param(200, "<html>", ErrorKind.CHALLENGE, id="page-in-a-200"),
        pytest.param(200, '{"detail":"Not authenticated"}', ErrorKind.SESSION_EXPIRED, id="words-in-a-200"),
        pytest.param(200, "", ErrorKind.PROVIDER_DOWN, id="empty-200"),
        pytest.param(500, "oops", ErrorKind.PROVIDER_DOWN, id="500"),
        pytest.param(400, "400 The plain HTTP request was sent to HTTPS port", ErrorKind.PROVIDER_DOWN, id="proxy"),
    ],
)
def test_refusals_by_words_and_status(status: int, body: str, kind: ErrorKind) -> None:
    error = refusal(status, {}, body.encode())
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({"location": "/auth?mode=signin"}, ErrorKind.SESSION_EXPIRED), ({"location": "/x"}, ErrorKind.PROVIDER_DOWN)],
)
def test_redirects(headers: dict[str, str], kind: ErrorKind) -> None:
    assert refusal(307, headers, b"").kind is kind


def test_the_edges_own_header_is_a_challenge() -> None:
    assert refusal(403, {"cf-mitigated": "challenge"}, b"").kind is ErrorKind.CHALLENGE


def test_a_wrong_proxy_is_named_as_such() -> None:
    assert "`proxy`" in refusal(400, {}, b"<h1>The plain HTTP request was sent to HTTPS port</h1>").message


def test_a_validators_words_are_told_and_links_lose_their_tails() -> None:
    assert "field required" in refusal(422, {}, b'{"detail":[{"msg":"field required"}]}').message
    message = json_error({"detail": "see https://k2.example/a?token=SECRET"}).message
    assert "https://k2.example/a" in message
    assert "SECRET" not in message


def test_the_wait_is_told_where_the_site_names_one() -> None:
    assert refusal(429, {"retry-after": "30"}, b"").retry_after_s == 30
    assert refusal(429, {}, b'{"detail":"Rate limit, try again in 12 seconds"}').retry_after_s == 12


@given(st.integers(100, 599), st.binary(max_size=60))
def test_no_refusal_raises(status: int, body: bytes) -> None:
    assert refusal(status, {}, body).message
