"""The keys of an `anthropic` provider in config.yaml."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from providers.anthropic.claude import takes_of
from providers.anthropic.preset import KeyHeader, Preset
from providers.anthropic.presets import NO_PRESET, PRESETS
from providers.anthropic.takes import Takes, Thinking
from providers.contract.written import Listed, better
from providers.official.options import ApiOptions, known_preset

_VERSION: Final = re.compile(r"[0-9A-Za-z.-]{1,40}")
_OWN_HEADERS: Final = frozenset({"x-api-key", "anthropic-version"})


class AnthropicOptions(ApiOptions):
    """The keys of an `anthropic` provider. `preset` names a known API, which the others override; else base_url, with
    or without `/v1` at its end."""

    preset: str | None = None
    key_header: KeyHeader | None = None
    """Where the key goes: `x-api-key`, or `authorization` (with Bearer before it)."""
    anthropic_version: str = "2023-06-01"
    """Said where the client names none. Later ones refuse a temperature."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Of an answer, where the client names no limit."""
    thinking: Thinking | None = None
    efforts: Listed[str] | None = None
    search: bool | None = None
    schemas: bool | None = None
    caches: bool | None = None
    thought_returns: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _preset_gives_the_address(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or raw.get("base_url"):
            return raw
        known = PRESETS.get(str(raw.get("preset")))
        return {**raw, "base_url": known.base_url} if known else raw

    @field_validator("preset")
    @classmethod
    def _preset_is_known(cls, value: str | None) -> str | None:
        return known_preset(value, PRESETS)

    @field_validator("base_url")
    @classmethod
    def _address_ends_before_the_call(cls, value: str) -> str:
        for end in ("/v1/messages", "/messages"):
            if value.endswith(end):
                raise better(f"must be the address without {end}, which is added to it", value.removesuffix(end))
        return value

    @field_validator("anthropic_version")
    @classmethod
    def _version_can_be_sent(cls, value: str) -> str:
        if not _VERSION.fullmatch(value):
            raise ValueError("must be a date, such as 2023-06-01")
        return value

    @field_validator("headers")
    @classmethod
    def _headers_have_a_key_of_their_own(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name in value:
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name!r} is set by the gateway: keys belong into the vault, the version has its key")
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if not self.base_url:
            raise ValueError("needs a base_url, or a preset: " + ", ".join(PRESETS))
        return self

    @property
    def root(self) -> str:
        """The address before `/v1/messages`."""
        return self.base_url.removesuffix("/v1")

    def known(self) -> Preset:
        """The preset, or an empty one, with the keys of config.yaml put over it."""
        preset = NO_PRESET if self.preset is None else PRESETS[self.preset]
        names = ("key_header", "search", "schemas", "caches", "thought_returns")
        given: dict[str, Any] = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(preset, **given)

    def takes(self, site_id: str) -> Takes:
        """What a model takes."""
        found = takes_of(site_id, self.known().takes)
        names = ("thinking", "efforts", "max_tokens")
        given: dict[str, Any] = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(found, **given) if given else found
