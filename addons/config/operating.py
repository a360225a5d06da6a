"""The sections of config.yaml about operating the gateway: usage, prices, cache, metrics, traces, TLS."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from providers.contract.written import Listed, Span, Written

type Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class PriceSettings(Written):
    """An entry of `prices`: what a model costs, in USD per million tokens."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    """Input that the provider had kept; None: as any input."""


class UsageSettings(Written):
    """The section `usage`: the ledger of requests."""

    enabled: bool = True
    url: SecretStr | None = None
    """A PostgreSQL database (postgresql://…); None: an SQLite file beside the vault."""
    days: float = Field(default=400, gt=0, le=3660)
    """How long a request stays in it."""

    @field_validator("url")
    @classmethod
    def _url_is_of_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        """What is wrong is told without the URL: it may hold a password."""
        if value is None:
            return None
        try:
            parts = urlsplit(value.get_secret_value())
            wrong = parts.scheme not in ("postgresql", "postgres") or parts.port == 0
        except ValueError:
            wrong = True
        if wrong:
            raise ValueError(
                "must be the address of a PostgreSQL database, such as postgresql://USER:PASSWORD@HOST/DATABASE, with"
                " other signs than letters and digits in user and password as %40 for @"
            )
        return value


class CacheSettings(Written):
    """The section `cache`: whole answers given again to the same request. Off where the section is left out."""

    ttl_s: Span = Field(default=3600, gt=0, le=366 * 86_400)
    max_mb: float = Field(default=64, gt=0, le=65_536)
    models: Listed[str] | None = None
    """Names with `*` for any letters; None: all."""
    share: Literal["key", "all"] = "key"
    """Whose answers a client key is given: its own, or everybody's."""
    always: bool = False
    """Also where the request asks for no temperature of 0."""


class MetricsSettings(Written):
    """The section `metrics`: GET /metrics."""

    enabled: bool = True
    token: SecretStr | None = Field(default=None, min_length=16)
    """Who shows it (Authorization: Bearer) may read; None: programs of this machine may."""


class TracingSettings(Written):
    """The section `tracing`: spans over OTLP; needs the extra `tracing`."""

    endpoint: str | None = Field(default=None, max_length=2000)
    """Where they go, such as http://127.0.0.1:4318; None: off."""
    take_context: bool = False
    """Whether a client's `traceparent` makes its span the parent of ours …"""
    pass_context: bool = False
    """… and whether providers are sent ours."""

    @field_validator("endpoint")
    @classmethod
    def _is_address(cls, endpoint: str | None) -> str | None:
        """It may be told, so that no secret can stand in it."""
        if endpoint is None:
            return None
        parts = urlsplit(endpoint)
        plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        if not plain or "@" in endpoint or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
            raise ValueError(
                "must be an address such as http://127.0.0.1:4318; what a collector wants to be shown goes into the "
                "environment (OTEL_EXPORTER_OTLP_HEADERS)"
            )
        return endpoint


class TlsSettings(Written):
    """The section `listen.tls`: PEM files, which are read again when they change."""

    cert: Path
    """The certificate, and those it hangs on behind it."""
    key: Path
