"""The gateway, in front of the official form and of Z.AI's, as it comes and with one thing changed."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchmarks.compare.way import Provider, Start, Upstreams, Way
from benchmarks.vaults import put_all
from providers.sandbox.tokens import jwt
from tests.support.mitmweb import Web
from tests.support.processes import KEY, Gateway

_TOKEN: Final = "bench-token-0123456789abcdef"
_AT_ONCE: Final = 5000
"""More streams than are ever asked for."""
_OFF: Final = {"enabled": False}
NOTHING: Final[Mapping[str, Any]] = {"usage": _OFF, "metrics": _OFF}
"""Sections: every part that can be is off."""
_LIMITS: Final = {
    "rpm": 100_000,
    "concurrent": _AT_ONCE,
    "tokens_per_day": "1000000M",
    "budget": "1000000/month",
    "models": ["b*"],
}
EVERYTHING: Final[Mapping[str, Any]] = {
    "usage": {"enabled": True},
    "metrics": {"enabled": True},
    "prices": {"bench": {"input": 2.0, "output": 8.0}},
    "cache": {"always": True, "ttl_s": 0.000001},
    "auth": {"tokens": [{"name": "bench", "key": KEY, **_LIMITS}]},
}
"""Sections: ledger, metrics, a key with every limit; the cache keeps each answer, and none is found again."""


def official(*, tls: bool = False, accounts: int = 1, web: bool = False, **sections: Any) -> Start:
    """In front of the official form; `sections` of config.yaml."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        provider = upstreams.tls if tls else upstreams.plain
        names = [f"bench-{number}" for number in range(accounts)]
        entry = {
            "type": "openai_compatible",
            "base_url": f"{'https' if tls else 'http'}://127.0.0.1:{provider.port}/v1",
            "models": ["bench"],
            "accounts": [{"name": name, "max_concurrent": _AT_ONCE} for name in names],
        }
        arguments = ("--set", f"ssl_verify_upstream_trusted_ca={upstreams.certificate}") if tls else ()
        with _gateway(
            folder,
            {"api": entry},
            {("api", name): {"api_key": f"{_TOKEN}-{name}"} for name in names},
            provider,
            "bench",
            arguments=arguments,
            kind=Web if web else Gateway,
            sections=sections,
        ) as way:
            yield way

    return start


def dialect(form: str, path: str, **provider: Any) -> Start:
    """Asked in another client format at `path`; `provider`: what the provider has besides its address and account."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        entry = {
            "base_url": f"http://127.0.0.1:{upstreams.plain.port}/v1",
            "models": ["bench"],
            "accounts": [{"name": "bench", "max_concurrent": _AT_ONCE}],
            **provider,
        }
        session = {"api_key": f"{_TOKEN}-bench"}
        with _gateway(folder, {"api": entry}, {("api", "bench"): session}, upstreams.plain, "bench") as way:
            yield replace(way, form=form, path=path)

    return start


def zai(*, create_chat: bool) -> Start:
    """In front of Z.AI's form. `create_chat`: a chat is made for each request."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        entry = {
            "type": "zai",
            "base_url": f"http://127.0.0.1:{upstreams.plain.port}",
            "create_chat": create_chat,
            "accounts": [{"name": "bench", "max_concurrent": _AT_ONCE}],
        }
        session = {"token": jwt({"id": "bench", "email": "bench@example.com"})}
        with _gateway(folder, {"zai": entry}, {("zai", "bench"): session}, upstreams.plain, "GLM-4.6") as way:
            yield way

    return start


@contextmanager
def _gateway(
    folder: Path,
    providers: Mapping[str, Any],
    sessions: Mapping[tuple[str, str], Mapping[str, str]],
    provider: Provider,
    model: str,
    *,
    arguments: tuple[str, ...] = (),
    kind: type[Gateway] = Gateway,
    sections: Mapping[str, Any] | None = None,
) -> Iterator[Way]:
    folder.chmod(0o700)
    more = {"limits": {"requests": _AT_ONCE}, **(sections or {})}
    gateway = kind(folder, arguments=arguments, by_itself=True, providers=providers, **more)
    put_all(gateway.vault, sessions)
    began = time.perf_counter()
    with gateway:
        took = time.perf_counter() - began
        assert gateway.process
        headers = {"authorization": f"Bearer {KEY}"}
        yield Way(gateway.port, provider, (gateway.process.pid,), model, headers=headers, started_in_s=took)
