"""Who may read the metrics: who shows the token, or without one programs of this machine; no page, no proxy, no key."""

import pytest

from addons.config.client_keys import ClientKey, ClientKeys, digest_of
from addons.errors import GatewayError
from addons.ingress.gate import GateRules, admit
from addons.ingress.metrics_access import MetricsAccess
from addons.ingress.request_head import RequestHead

KEY = "sk-test-1234567890"
TOKEN = "metrics-token-0123456789"
KEYS = ClientKeys([ClientKey("ada", KEY)])
ALLOWED = frozenset({"gate.example"}), frozenset({"https://page.example"})
OPEN = GateRules(KEYS, *ALLOWED, MetricsAccess())
CLOSED = GateRules(KEYS, *ALLOWED, MetricsAccess(digest_of(TOKEN)))
OFF = GateRules(KEYS, *ALLOWED)


def head(peer: str = "127.0.0.1", host: str = "127.0.0.1:8080", method: str = "GET", **headers: str) -> RequestHead:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestHead(method, "/metrics", named, False, host, ("192.0.2.1", 8080), peer=peer)


def refusal(request: RequestHead, rules: GateRules) -> tuple[int, str | None]:
    with pytest.raises(GatewayError) as caught:
        admit(request, rules)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "::1%lo"])
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_program_of_this_machine_reads_them(peer: str, host: str, method: str) -> None:
    admission = admit(head(peer, host, method), OPEN)
    assert (admission.action, admission.key, admission.wants_body) == ("metrics", "", False)


@pytest.mark.parametrize(
    "request_head",
    [
        pytest.param(head("192.0.2.7"), id="another machine"),
        pytest.param(head("192.0.2.7", authorization=f"Bearer {KEY}"), id="a client key opens nothing"),
        pytest.param(head("::ffff:192.0.2.7"), id="another machine, mapped"),
        pytest.param(head(""), id="nobody knows whence"),
        pytest.param(head("not an address"), id="no address"),
        pytest.param(head(host="192.0.2.1:8080"), id="by its address in the net"),
        pytest.param(head(host="gate.example"), id="by an allowed name, which another's page may have"),
        pytest.param(head(x_forwarded_for="127.0.0.1"), id="X-Forwarded-For"),
        pytest.param(head(x_forwarded_for=""), id="an empty one"),
        pytest.param(head(x_forwarded_host="localhost"), id="X-Forwarded-Host"),
        pytest.param(head(forwarded="for=127.0.0.1"), id="Forwarded"),
        pytest.param(head(x_real_ip="127.0.0.1"), id="X-Real-IP"),
        pytest.param(head(via="1.1 proxy"), id="Via"),
    ],
)
def test_all_others_are_told_what_to_set(request_head: RequestHead) -> None:
    with pytest.raises(GatewayError, match=r"Set metrics\.token") as caught:
        admit(request_head, OPEN)
    assert (caught.value.status, caught.value.code) == (403, "metrics_token_needed")


def test_a_name_that_was_bound_to_this_machine_is_refused_as_ever() -> None:
    assert refusal(head(host="evil.example"), OPEN) == (403, "forbidden_host")


@pytest.mark.parametrize("rules", [OPEN, CLOSED])
def test_a_page_reads_nothing_even_where_its_origin_is_allowed(rules: GateRules) -> None:
    for origin in ("https://page.example", "null", "http://127.0.0.1:8080"):
        assert refusal(head(origin=origin, authorization=f"Bearer {TOKEN}"), rules) == (403, "forbidden_origin")


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN} "])
def test_the_token_opens_them_from_anywhere(shown: str) -> None:
    found = admit(head("192.0.2.7", "gate.example", authorization=shown, x_forwarded_for="192.0.2.9"), CLOSED)
    assert found.action == "metrics"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": "Bearer \udcff"},
        {"x-api-key": TOKEN},
    ],
)
def test_nothing_else_does_once_there_is_a_token(headers: dict[str, str]) -> None:
    with pytest.raises(GatewayError, match=r"metrics\.token") as caught:
        admit(head(**headers), CLOSED)
    assert (caught.value.status, caught.value.code) == (401, "invalid_metrics_token")
    assert caught.value.extra_headers == (("www-authenticate", 'Bearer realm="metrics"'),)


def test_where_they_are_off_there_is_nothing_at_that_path() -> None:
    assert refusal(head(authorization=f"Bearer {KEY}"), OFF) == (404, "unknown_url")
    assert refusal(head(), OFF) == (401, "invalid_api_key")


def test_other_methods_are_refused_as_everywhere() -> None:
    assert refusal(head(method="POST", authorization=f"Bearer {KEY}"), OPEN) == (405, "method_not_allowed")
    assert refusal(head(method="POST"), OPEN) == (401, "invalid_api_key")
