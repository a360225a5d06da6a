"""What follows a failed attempt: the parts of the policy that no wire test shows alone."""

from addons.routing.retry_policy import FailedAttempt, Next, decide
from providers.contract.errors import ErrorKind, ProviderError

REFUSED = ProviderError(ErrorKind.BAD_REQUEST, "no", refused=frozenset({"stream_options"}))


def failed(error: ProviderError, *, recovered: bool = False, known: bool = True) -> FailedAttempt:
    return FailedAttempt(error, 1, accepted=False, recovered=recovered, recovery_known=known, renewed=False)


def test_a_refusal_of_our_own_addition_is_mended_once_whatever_the_attempts() -> None:
    assert decide(failed(REFUSED), max_attempts=1) is Next.RECOVER
    assert decide(failed(REFUSED, recovered=True), max_attempts=9) is Next.GIVE_UP
    assert decide(failed(REFUSED, known=False), max_attempts=9) is Next.GIVE_UP


def test_a_refusal_of_the_request_itself_is_final() -> None:
    assert decide(failed(ProviderError(ErrorKind.BAD_REQUEST, "no")), max_attempts=9) is Next.GIVE_UP


def test_what_is_forbidden_to_one_account_may_be_allowed_to_another() -> None:
    assert (
        decide(failed(ProviderError(ErrorKind.FORBIDDEN, "no"), known=False), max_attempts=9) is Next.ANOTHER_CANDIDATE
    )


def test_what_makes_something_that_costs_is_not_asked_again_where_it_may_have_been_taken() -> None:
    for kind, following in ((ErrorKind.PROVIDER_DOWN, Next.GIVE_UP), (ErrorKind.RATE_LIMITED, Next.ANOTHER_CANDIDATE)):
        failed = FailedAttempt(ProviderError(kind, "x"), 1, False, False, False, False, once=True)
        assert decide(failed, max_attempts=3) is following
