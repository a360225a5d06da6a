"""Attempts at an official API for tests that need no connection."""

import json
from collections.abc import Callable
from typing import Any

from addons.cleaning.cleaner import NOTHING_KNOWN, Cleaner
from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.exchange.answer_source import AnswerSource
from addons.exchange.attempt import Attempt, AttemptSpec
from addons.stream.port import Timers
from addons.transport.sealing import Seals
from addons.upstream.port import Target
from providers.contract.session import Session
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.turns import turn_of


def official(name: str = "openai_compatible") -> Any:
    """A provider of the OpenAI form."""
    return OpenAICompatible(name, OpenAIOptions(base_url="https://recorded.invalid"))


def attempt_of(cleaner: Cleaner = NOTHING_KNOWN, clock: Callable[[], float] = lambda: 0.0, **body: Any) -> Attempt:
    """An attempt at answering a chat that streams unless `body` says otherwise."""
    provider, dialect = official(), ChatCompletions()
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]} | body
    parsed = dialect.parse(json.dumps(asked).encode())
    spec = AttemptSpec(
        source=AnswerSource(provider, parsed.request, turn_of(provider, parsed.request)),
        session=Session(provider.name, "recorded"),
        target=Target("recorded", 1, tls=True),
        timers=Timers(1, 1, 1, 1, 1),
        seals=Seals(_no_secrets),
        places=(),
        cleaner=cleaner,
        record_limit_bytes=2**40,
        clock=clock,
    )
    return Attempt(spec, dialect.encoder(parsed, AnswerMeta("recorded", 0, parsed.request.model)))


def _no_secrets(provider: str, account: str) -> dict[str, str]:
    raise KeyError(account)
