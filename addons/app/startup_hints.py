"""What a person should know before the first request: which roads are safe, and which may meet a check. Pure."""

from collections.abc import Mapping

from providers.contract.provider import AnyProvider


def expected_checks(providers: Mapping[str, AnyProvider]) -> str:
    """A line about the configured sites that ask programs for a check these days; empty where there is none.

    Stand-ins and mirrors (another base_url than the site's own) are not meant.
    """
    names = [name for name, one in providers.items() if one.meets_checks and _is_real(one)]
    if not names:
        return ""
    return (
        f"{', '.join(names)}: a web session may meet the site's check for humans, often at the first request. "
        "Expect it: the error is provider_challenge and says what to do. Official API keys are the main road "
        "(docs/providers.md)."
    )


def _is_real(provider: AnyProvider) -> bool:
    default: object = type(provider.options).model_fields["base_url"].default
    return provider.options.base_url == default
