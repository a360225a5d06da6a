"""The keys of a provider in config.yaml that are the gateway's own, and those of its accounts."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from addons.config.names import checked_name
from providers.contract.written import Listed, Nothing, Span, Written, better

_PROXY = re.compile(r"https?://[^/@\s]+/?")


class FeatureKeys(Written):
    """The section `features`, or a provider's own keys `features`, which go before it. None: not said here."""

    tools: bool | None = None
    threads: Literal["auto"] | bool | None = None
    """auto: where the site has them, unless its chats are deleted."""
    remote_media: bool | None = None
    long_prompt_file: bool | None = None
    parallel_turns: int | None = Field(default=None, ge=1, le=16)


class LoginCredentials(Written):
    """Credentials for `glassgate login`; to be given by reference: `${NAME}`."""

    email: str = Field(repr=False, min_length=1)
    password: SecretStr = Field(min_length=1)


class AccountSettings(Written):
    """An account: its name alone, or with keys of its own."""

    name: str
    credentials: LoginCredentials | None = None
    session: Literal["vault", "none"] = "vault"
    priority: int = 0
    weight: int = Field(default=1, ge=1)
    max_concurrent: int | None = Field(default=None, ge=1)
    queue_s: Span | None = Field(default=None, ge=0, le=3600)
    min_interval_s: Span | None = Field(default=None, ge=0, le=3600)
    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _a_name_alone(cls, value: object) -> object:
        """Also with the ':' of a key behind it that has no value (`- main:`)."""
        if isinstance(value, Mapping) and len(value) == 1:
            (key, own), *_ = value.items()
            value = key if isinstance(own, Nothing) and key not in cls.model_fields else value
        return {"name": value} if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        return checked_name(value)


class ProviderCommon(Written):
    """The keys of a provider that are the gateway's; the rest belong to its type."""

    type: str
    """A name of providers/registry.py; the loader looks before anything else is read of a provider."""
    accounts: Annotated[Listed[AccountSettings], Field(min_length=1)]
    proxy: str | None = None
    enabled: bool = True
    delete_chats: bool = False
    """Whether the chats the gateway makes at the site are deleted when they are answered."""
    features: FeatureKeys = FeatureKeys()

    @field_validator("proxy")
    @classmethod
    def _is_a_proxy(cls, value: str | None) -> str | None:
        if value is not None and not _PROXY.fullmatch(value):
            meant = f"http://{value}" if "://" not in value and _PROXY.fullmatch(f"http://{value}") else ""
            raise better("must be http://host:port or https://host:port, without user or path", meant)
        return value

    @field_validator("accounts", mode="before")
    @classmethod
    def _table_of_names(cls, value: object) -> object:
        """`{main: {priority: 1}, two: }` is a list of accounts too."""
        if isinstance(value, Mapping) and all(isinstance(own, Mapping | Nothing) for own in value.values()):
            return [{**(own or {}), "name": name} for name, own in value.items()]
        return value

    @field_validator("accounts")
    @classmethod
    def _accounts_differ(cls, value: tuple[AccountSettings, ...]) -> tuple[AccountSettings, ...]:
        names = [account.name for account in value]
        if len(set(names)) != len(names):
            raise ValueError("two accounts have the same name; give each its own")
        return value


def split_provider(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A provider's raw keys: the gateway's, and those of its type."""
    common = {key: value for key, value in raw.items() if key in ProviderCommon.model_fields}
    return common, {key: value for key, value in raw.items() if key not in ProviderCommon.model_fields}
