"""The keys of an `openai_compatible` provider in config.yaml."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from providers.contract.errors import ErrorKind
from providers.contract.provider import ProviderOptions
from providers.contract.written import Listed, better
from providers.openai.form import Form, MaxTokensName, ReasoningField, SearchSwitch, TagForm, ThinkingSwitch
from providers.openai.preset import OperationName, Preset
from providers.openai.presets import NO_PRESET, PRESETS
from providers.openai.reasons import FAILURES, REASONS
from providers.openai.vendors import AZURE_ADDRESS

_PATH: Final = re.compile(r"/?[A-Za-z0-9._%@:-]+(?:/[A-Za-z0-9._%@:-]+)*(?:\?[A-Za-z0-9._%&=:-]*)?")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,4096}")
_OWN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
    }
)
_FAILURE_KINDS: Final = frozenset(kind.value for kind in ErrorKind)


class OpenAIOptions(ProviderOptions):
    """The keys of an `openai_compatible` provider. `preset` names a known API, which the others override; else
    base_url."""

    base_url: str = ""
    preset: str | None = None
    models: Mapping[str, str] = Field(default_factory=dict)
    """Public id → the API's id, or a list of ids. Given, these and no others are served."""
    headers: Mapping[str, str] = Field(default_factory=dict)
    """More headers for each request; no secrets, they stand in every flow."""

    chat_path: str | None = None
    completions_path: str | None = None
    images_generations_path: str | None = None
    images_edits_path: str | None = None
    models_path: str | None = None
    stream_usage: bool | None = None
    max_tokens_name: MaxTokensName | None = None
    thinking: ThinkingSwitch | None = None
    effort_models: Listed[str] | None = None
    efforts: Listed[str] | None = None
    search: SearchSwitch | None = None
    developer_role: bool | None = None
    plain_content: bool | None = None
    thinking_streams_only: bool | None = None
    reasoning_field: ReasoningField | None = None
    think_tags: TagForm | None = None
    finish_reasons: Mapping[str, str] | None = None
    error_codes: Mapping[str, ErrorKind] | None = None

    @model_validator(mode="before")
    @classmethod
    def _preset_gives_the_address(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or raw.get("base_url"):
            return raw
        known = PRESETS.get(str(raw.get("preset")))
        return {**raw, "base_url": known.base_url} if known and known.base_url else raw

    @field_validator("preset")
    @classmethod
    def _preset_is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in PRESETS:
            near = difflib.get_close_matches(value[:100], PRESETS, n=1)
            raise better("is no preset. There are: " + ", ".join(PRESETS), near[0] if near else "")
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if not self.base_url:
            if self.preset == "azure":
                raise ValueError(f"the preset azure needs the base_url of your resource: {AZURE_ADDRESS}")
            raise ValueError("needs a base_url, or a preset: " + ", ".join(PRESETS))
        return self

    @field_validator("models", mode="before")
    @classmethod
    def _models_as_table(cls, value: Any) -> Any:
        value = (value,) if isinstance(value, str) else value
        if not isinstance(value, list | tuple | Mapping):
            return value
        names = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise ValueError("must be a list of model ids, or a table of public id to the API's id")
        return value if isinstance(value, Mapping) else {name: name for name in value}

    @field_validator("chat_path", "completions_path", "images_generations_path", "images_edits_path", "models_path")
    @classmethod
    def _path_stays_on_the_host(cls, value: str | None) -> str | None:
        if value is not None and (not _PATH.fullmatch(value) or ".." in value):
            raise ValueError("must be a path, taken from base_url (chat/completions) or from its host (/v1/models)")
        return value

    @field_validator("headers")
    @classmethod
    def _headers_are_free(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text) or "~sealed~" in text:
                raise ValueError(f"{name!r} is no header that can be sent")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name!r} is set by the gateway; keys belong into the vault")
        return value

    @field_validator("finish_reasons")
    @classmethod
    def _reasons_mean_something(cls, value: Mapping[str, str] | None) -> Mapping[str, str] | None:
        for target in (value or {}).values():
            if target not in REASONS and target not in FAILURES and target not in _FAILURE_KINDS:
                raise ValueError(f"{target!r} is neither a finish_reason (stop, length …) nor a kind of failure")
        return None if value is None else {name.lower(): target for name, target in value.items()}

    @field_validator("error_codes")
    @classmethod
    def _codes_in_lower_case(cls, value: Mapping[str, ErrorKind] | None) -> Mapping[str, ErrorKind] | None:
        return None if value is None else {code.lower(): kind for code, kind in value.items()}

    def known(self) -> Preset:
        """The preset, or an empty one."""
        return NO_PRESET if self.preset is None else PRESETS[self.preset]

    def operations(self) -> tuple[OperationName, ...]:
        """The operations of the API: those the preset knows it to have, and those config.yaml names a path of."""
        named: dict[OperationName, str | None] = {
            "completions": self.completions_path,
            "images": self.images_generations_path or self.images_edits_path,
        }
        known = self.known().operations
        return (*known, *(name for name, path in named.items() if path is not None and name not in known))

    def form(self) -> Form:
        """The preset's form with the keys of config.yaml put over it; tables are joined."""
        form = self.known().form
        given = {f.name: value for f in fields(Form) if (value := getattr(self, f.name)) is not None}
        for table in ("finish_reasons", "error_codes"):
            if table in given:
                given[table] = {**getattr(form, table), **given[table]}
        return replace(form, **given)
