"""The schema of config.yaml, as checked, immutable data. Names are public: docs/configuration.md lists them."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from addons.config.names import checked_name
from addons.config.operating import (
    CacheSettings,
    MetricsSettings,
    PriceSettings,
    TlsSettings,
    TracingSettings,
    UsageSettings,
)
from addons.config.origins import origin_of
from addons.config.provider_keys import FeatureKeys
from addons.keys.limits import MOST_REQUESTS, NO_LIMITS, KeyLimits, limits_written
from providers.contract.provider import LOOPBACK_HOSTS
from providers.contract.written import Listed, Span, Written

type Strategy = Literal["priority", "round_robin", "least_busy", "weighted"]
type Driver = Literal["auto", "mitmproxy"]
type Seconds = Annotated[Span, Field(gt=0, le=86400)]


class Listen(Written):
    """The section `listen`."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    allowed_hosts: Listed[str] = ()
    allowed_origins: Listed[str] = ()
    trusted_proxies: Listed[str] = ()
    """Addresses or networks of proxies in front of the gateway: many clients behind one address."""
    tls: TlsSettings | None = None
    driver: Driver = "auto"
    """What moves the bytes of clients that speak HTTP/1.1 in the clear: the gateway's own driver where it can, or
    mitmproxy's layers. All other connections are mitmproxy's."""

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(origin_of, value))

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text, strict=False)
            except ValueError:
                raise ValueError("must be addresses or networks, such as [10.0.0.7, 192.168.0.0/16]") from None
        return value

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK_HOSTS

    @property
    def url(self) -> str:
        """The URL for programs of this machine; what listens on all addresses does not answer to `0.0.0.0`."""
        return url_of(self.host, self.port, self.scheme)

    @property
    def plain_url(self) -> str:
        """The same over plain http, which programs of this machine may speak whatever `tls` says."""
        return url_of(self.host, self.port)

    @property
    def scheme(self) -> str:
        return "https" if self.tls is not None else "http"


def url_of(host: str, port: object, scheme: str = "http") -> str:
    """The address of a listener for programs of the same machine, without a slash at its end."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class ClientToken(Written):
    """One entry of `auth.tokens`: a key alone, or `{name: ada, key: "${ADA}", rpm: 30}`. An empty key is none."""

    name: str | None = None
    key: str = Field(repr=False)
    models: Listed[str] | None = None
    """Names, or provider/model, with `*` for any letters; None: all."""
    rpm: int | None = Field(default=None, ge=1, le=MOST_REQUESTS)
    """Requests in any 60 seconds."""
    tokens_per_day: int | str | None = None
    """In any 24 hours: a number, or one such as 2M."""
    budget: str | None = None
    """US dollars and a period, such as 5.00/month."""
    concurrent: int | None = Field(default=None, ge=1, le=MOST_REQUESTS)
    """Requests under way at once."""
    expires: str | None = None
    """A date or a time from which on it is no key."""

    @model_validator(mode="before")
    @classmethod
    def _a_key_alone(cls, value: object) -> object:
        if isinstance(value, str):
            return {"key": value}
        if not isinstance(value, Mapping):
            raise ValueError("must be a key, or {name: …, key: …}")
        return value

    @field_validator("name")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        return None if value is None else checked_name(value)

    @field_validator("models", "tokens_per_day", "budget", "expires")
    @classmethod
    def _are_limits(cls, value: Any, about: ValidationInfo) -> Any:
        if value is not None:
            limits_written({str(about.field_name): value})
        return value

    @property
    def limits(self) -> KeyLimits:
        """What the key may do."""
        written = self.model_dump(exclude={"name", "key"}, exclude_none=True)
        return limits_written(written) if written else NO_LIMITS


class Auth(Written):
    """The section `auth`."""

    tokens: Listed[ClientToken] = Field(default=(), repr=False)
    tokens_file: Path | None = None
    skip: bool = False


class VaultSettings(Written):
    """The section `vault`."""

    path: Path = Path(".sessions/vault.json")
    key_source: Literal["env", "file", "keyring", "prompt"] = "env"
    key_file: Path | None = None
    rollback_guard: bool = True
    """Remember the vault's generation outside of its folder, and refuse an older copy."""


class AccountDefaults(Written):
    """The section `accounts`: what holds for accounts that say nothing else."""

    max_concurrent: int | None = Field(default=None, ge=1)
    """None: 2 for web sessions, 64 for keys of official APIs."""
    queue_s: Span = Field(default=30, ge=0, le=3600)
    min_interval_s: Span = Field(default=0, ge=0, le=3600)
    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)


class ModelSettings(Written):
    """The section `models`."""

    aliases: Mapping[str, str] = Field(default_factory=dict)
    """Name → the model it stands for. A `*` in the name stands for any letters (`claude-*`)."""
    variants: bool = False
    """Whether GET /v1/models lists the names with suffixes (-Thinking, -search …) too; they are served in any case."""

    @model_validator(mode="before")
    @classmethod
    def _no_list(cls, value: object) -> object:
        if isinstance(value, str | list) and value:
            raise ValueError(
                "has the keys aliases and variants; which models a provider serves stands there: "
                "providers: {NAME: {…, models: [gpt-4o]}}"
            )
        return value


class Log(Written):
    """The section `log`."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"

    @field_validator("level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class FallbackModel(Written):
    """A model to go on with, and its causes: all accounts out, conversation too long, content refused, slow."""

    model: str
    on: Annotated[Listed[Literal["unavailable", "context", "content", "slow"]], Field(min_length=1)]


class Routing(Written):
    """The section `routing`."""

    strategy: Strategy = "priority"
    strategies: Mapping[str, Strategy] = Field(default_factory=dict)
    """Model → its own strategy."""
    max_attempts: int = Field(default=3, ge=1, le=20)
    fallbacks: Mapping[str, Listed[str | FallbackModel]] = Field(default_factory=dict)
    retry_accepted: bool = True


class Retries(Written):
    """Retries at the same account: after a failure that passes, when no other account is left."""

    enabled: bool = True
    base_s: Span = Field(default=0.5, ge=0, le=60)
    cap_s: Span = Field(default=8, ge=0, le=300)
    retry_after_max_s: Span = Field(default=30, ge=0, le=600)
    """A wait the provider names is kept up to this; a longer one is told to the client."""
    budget: float = Field(default=0.2, ge=0, le=1)
    """At most this part of the requests under way may be such retries …"""
    budget_min: int = Field(default=3, ge=0)
    """… but always so many."""


class BreakerSettings(Written):
    """The section `breaker`."""

    enabled: bool = True
    failures: int = Field(default=5, ge=1)
    ratio: float = Field(default=0.5, gt=0, le=1)
    min_requests: int = Field(default=10, ge=1)
    window_s: Seconds = 60
    open_s: Seconds = 10
    open_max_s: Seconds = 25


class CooldownSettings(Written):
    """The section `cooldown`."""

    enabled: bool = True
    base_s: Seconds = 15
    max_s: Seconds = 600


class Timeouts(Written):
    """The section `timeouts`, in seconds."""

    connect_s: Seconds = 5
    first_token_s: Seconds = 60
    first_token_thinking_s: Seconds = 300
    slow_s: Seconds = 12
    """Until the first word of a stream, where another model stands in for a slow one (routing.fallbacks)."""
    idle_s: Seconds = 60
    total_s: Seconds = 600
    keepalive_s: Seconds = 15
    drain_s: Seconds = 30
    head_s: Seconds = 30
    """For the head of a client's request, from its first byte."""
    body_s: Seconds = 300
    write_stall_s: Seconds = 120
    """How long a client may leave its answer unread."""


class RequestLimits(Written):
    """The section `limits`."""

    body_mb: float = Field(default=32, gt=0, le=1024)
    upload_mb: float = Field(default=512, gt=0, le=16 * 1024)
    """Of a form with files that is passed on while it comes."""
    body_values: int = Field(default=200_000, ge=1000, le=1_000_000)
    """JSON values in a request's body; each costs time and memory, whatever its size."""
    requests: int = Field(default=1000, ge=1)
    """Chats under way at once; more are refused with 429."""
    over: Literal["finish", "end"] = "finish"
    """What becomes of an answer under way when its client key has used up its tokens or its budget."""
    header_fields: int = Field(default=100, ge=10, le=1000)
    """Of a request."""
    connections_per_address: int = Field(default=256, ge=1)
    """Of one client address at once; not for loopback and listen.trusted_proxies."""


class Inspect(Written):
    """The section `inspect`."""

    body_kb: int = Field(default=2048, ge=0)
    """How much of a provider's answer a flow keeps for the inspector."""
    max_flows: int = Field(default=1000, ge=1)
    max_mb: float = Field(default=256, gt=0)
    """What the inspector keeps in all; the oldest go first."""


class RecordSettings(Written):
    """The section `record`."""

    enabled: bool = False
    folder: Path = Path("recordings")
    max_mb: float = Field(default=200, gt=0)
    max_days: float = Field(default=30, gt=0)


class KeptSettings(Written):
    """The section `kept`: what is kept for clients between their requests."""

    days: float = Field(default=30, gt=0, le=366)
    mb: float = Field(default=64, ge=0, le=4096)
    """In all; one client key has at most half of it. 0: nothing is kept."""


class SessionSettings(Written):
    """The section `sessions`."""

    prune_expired: bool = False
    """Whether a running gateway removes sessions that have ended for good."""


class Sections(Written):
    """Every top-level section but `providers`, which is checked by type."""

    listen: Listen = Listen()
    auth: Auth = Auth()
    vault: VaultSettings = VaultSettings()
    models: ModelSettings = ModelSettings()
    log: Log = Log()
    routing: Routing = Routing()
    timeouts: Timeouts = Timeouts()
    accounts: AccountDefaults = AccountDefaults()
    retries: Retries = Retries()
    breaker: BreakerSettings = BreakerSettings()
    cooldown: CooldownSettings = CooldownSettings()
    limits: RequestLimits = RequestLimits()
    inspect: Inspect = Inspect()
    record: RecordSettings = RecordSettings()
    features: FeatureKeys = FeatureKeys()
    sessions: SessionSettings = SessionSettings()
    kept: KeptSettings = KeptSettings()
    usage: UsageSettings = UsageSettings()
    prices: Mapping[str, PriceSettings] = Field(default_factory=dict)
    """Model → what it costs; before what is known of it."""
    cache: CacheSettings | None = None
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
