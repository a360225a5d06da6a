"""The errors of providers: what is known of one that says no more than it must."""

import pytest

from addons.errors import GatewayError
from providers.contract.errors import ErrorKind, ProviderError


def test_an_error_is_of_the_account_and_its_session_unless_it_says_otherwise() -> None:
    error = ProviderError(ErrorKind.RATE_LIMITED, "Slow down.")
    assert (str(error), error.message) == ("Slow down.", "Slow down.")
    assert (error.scope, error.credential, error.refused, error.advised) == ("account", "session", frozenset(), False)
    assert (error.site_code, error.status, error.retry_after_s, error.param, error.model) == (
        None,
        None,
        None,
        None,
        "",
    )


def test_a_log_line_shows_kind_words_and_code() -> None:
    error = ProviderError(ErrorKind.QUOTA, "a\r\nb", site_code="E1", status=429)
    assert repr(error) == r"ProviderError(quota, 'a\r\nb', site_code='E1')"


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_its_answer_to_the_client(kind: ErrorKind) -> None:
    told = GatewayError.from_provider(ProviderError(kind, "It went wrong."), "p", "a")
    assert 400 <= told.status < 600
    assert told.code
    assert "p" in told.message
