"""What of a provider's headers the client is shown."""

import pytest

from addons.ingress.upstream_headers import RATE_LIMITS, REQUEST_IDS, upstream_headers


def test_limits_and_the_request_id_are_shown() -> None:
    headers = {name: f"{number}" for number, name in enumerate(RATE_LIMITS)} | {"x-request-id": "req_1", "server": "x"}
    assert upstream_headers(headers) == (
        *((name, f"{number}") for number, name in enumerate(RATE_LIMITS)),
        ("x-glassgate-upstream-request-id", "req_1"),
    )


def test_a_key_with_limits_of_its_own_gets_the_providers_under_another_name() -> None:
    found = upstream_headers({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6m0s"}, own_limits=True)
    assert found == (
        ("x-glassgate-upstream-ratelimit-remaining-tokens", "5"),
        ("x-glassgate-upstream-ratelimit-reset-tokens", "6m0s"),
    )


@pytest.mark.parametrize("name", REQUEST_IDS)
def test_every_name_of_the_id_is_known(name: str) -> None:
    assert upstream_headers({name: "a-1"}) == (("x-glassgate-upstream-request-id", "a-1"),)


@pytest.mark.parametrize("value", ["", "a\r\nset-cookie: x", "\x1b[2J", "é", "x" * 101, "a;b", "~sealed~p~a~token~"])
def test_what_is_no_short_word_is_left_out(value: str) -> None:
    assert upstream_headers({"x-request-id": value, "x-ratelimit-limit-tokens": value}) == ()


def test_nothing_else_is() -> None:
    assert (
        upstream_headers(
            {"set-cookie": "a", "x-ratelimit-secret": "1", "authorization": "b", "openai-organization": "o"}
        )
        == ()
    )


@pytest.mark.parametrize("own_limits", [True, False])
def test_limits_of_anthropics_form_keep_their_names(own_limits: bool) -> None:
    told = {"input-tokens-remaining": "5", "tokens-reset": "2026-11-27T00:01:00Z"}
    shown = {f"anthropic-ratelimit-{name}": value for name, value in told.items()}
    hidden = {"anthropic-ratelimit-unified-status": "allowed", "anthropic-organization-id": "o"}
    found = upstream_headers({**shown, **hidden}, own_limits=own_limits)
    assert dict(found) == shown
