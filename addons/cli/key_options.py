"""The options that say what a client key may do, as `keys add` and `keys edit` take them."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import click

from addons.keys.limits import KeyLimits, budget_of, models_of, moment_of, requests_of, shown_moment, span_of, tokens_of

NONE: Final = "none"
"""Takes a limit away."""


def _expiry(written: str) -> float:
    """Unix seconds: so long from now, or a date. Raises ValueError."""
    now = time.time()
    try:
        at = now + span_of(written)
    except ValueError:
        try:
            at = moment_of(written)
        except ValueError:
            raise ValueError(
                "must be a number with s, m, h or d behind it, such as 90d, or a date, such as 2027-03-31"
            ) from None
    if at <= now:
        raise ValueError("is over already; `glassgate keys revoke NAME` ends a key at once")
    return at


_OPTIONS: Final[tuple[tuple[str, str, Callable[[str], Any], str], ...]] = (
    ("models", "'GLM-*,qwen-*'", models_of, "Models it may ask, with * for any letters; also as PROVIDER/MODEL."),
    ("rpm", "30", requests_of, "Requests in any 60 seconds."),
    ("tokens_per_day", "2M", tokens_of, "Tokens in and out in any 24 hours; k and M are thousands and millions."),
    ("budget", "5.00/month", budget_of, "US dollars a day, week, month (of the UTC calendar) or in total."),
    ("concurrent", "4", requests_of, "Requests under way at once."),
    ("expires", "90d", _expiry, "When it ends: in so many s, m, h or d, or at a date."),
)


def limit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options; each comes as the function that changes that limit, or None where it is missing."""
    for name, example, read, help_text in reversed(_OPTIONS):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, name, metavar=example, callback=_reader(name, read), help=help_text)(command)
    return command


def _reader(name: str, read: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    def inner(_context: click.Context, _option: click.Parameter, written: str | None) -> Any:
        if written is None:
            return None
        try:
            value = None if written.strip().lower() == NONE else read(written)
        except ValueError as e:
            raise click.BadParameter(str(e)) from None
        return lambda limits: replace(limits, **{name: value})

    return inner


def changed(limits: KeyLimits, given: dict[str, Any]) -> KeyLimits:
    """The limits with what the options of a command say."""
    for change in given.values():
        limits = change(limits) if change is not None else limits
    return limits


def told(limits: KeyLimits) -> dict[str, str]:
    """The limits that there are, in words."""
    found = {
        "models": ", ".join(limits.models or ()),
        "rpm": str(limits.rpm or ""),
        "tokens per day": f"{limits.tokens_per_day:,}" if limits.tokens_per_day else "",
        "budget": str(limits.budget or ""),
        "concurrent": str(limits.concurrent or ""),
        "expires": shown_moment(limits.expires) if limits.expires is not None else "",
    }
    return {name: words for name, words in found.items() if words}
