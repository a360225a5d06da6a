"""The keys of an `openai_compatible` provider in config.yaml."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final, Self

from pydantic import field_validator, model_validator

from providers.contract.errors import ErrorKind
from providers.contract.passed_on import ENDPOINTS
from providers.contract.written import Listed, better
from providers.official.options import ApiOptions, known_preset
from providers.official.reasons import FAILURES, REASONS
from providers.openai.form import Form, MaxTokensName, ReasoningField, SearchSwitch, TagForm, ThinkingSwitch
from providers.openai.preset import OPERATIONS, OperationName, Preset
from providers.openai.presets import NO_PRESET, PRESETS
from providers.openai.vendors import AZURE_ADDRESS

_PATH: Final = re.compile(r"/?[A-Za-z0-9._%@:-]+(?:/[A-Za-z0-9._%@:-]+)*(?:\?[A-Za-z0-9._%&=:-]*)?")
_PATHS: Final = (
    "chat_path", "completions_path", "responses_path", "images_generations_path", "images_edits_path", "models_path",
)  # fmt: skip
_FAILURE_KINDS: Final = frozenset(kind.value for kind in ErrorKind)


class OpenAIOptions(ApiOptions):
    """The keys of an `openai_compatible` provider. `preset` names a known API, which the others override; else
    base_url."""

    preset: str | None = None
    operations: Listed[OperationName] | None = None
    """What the API can be asked for, over what the preset says."""
    chat_path: str | None = None
    completions_path: str | None = None
    responses_path: str | None = None
    images_generations_path: str | None = None
    images_edits_path: str | None = None
    models_path: str | None = None
    paths: Mapping[str, str] | None = None
    """Endpoint that is passed on, as below /v1 → its path."""
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
        return known_preset(value, PRESETS)

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if not self.base_url:
            if self.preset == "azure":
                raise ValueError(f"the preset azure needs the base_url of your resource: {AZURE_ADDRESS}")
            raise ValueError("needs a base_url, or a preset: " + ", ".join(PRESETS))
        return self

    @field_validator("operations", mode="before")
    @classmethod
    def _operations_are_known(cls, value: Any) -> Any:
        names = (value,) if isinstance(value, str) else value
        if isinstance(names, list | tuple):
            if not names:
                raise ValueError("must name one operation at least: " + ", ".join(OPERATIONS))
            for name in names:
                if isinstance(name, str) and name not in OPERATIONS:
                    near = difflib.get_close_matches(name[:100], OPERATIONS, n=1)
                    raise better("names no operation. There are: " + ", ".join(OPERATIONS), near[0] if near else "")
        return value

    @field_validator(*_PATHS)
    @classmethod
    def _path_stays_on_the_host(cls, value: str | None) -> str | None:
        if value is not None and (not _PATH.fullmatch(value) or ".." in value):
            raise ValueError("must be a path, taken from base_url (chat/completions) or from its host (/v1/models)")
        return value

    @field_validator("paths")
    @classmethod
    def _paths_are_of_endpoints(cls, value: Mapping[str, str] | None) -> Mapping[str, str] | None:
        for endpoint, path in (value or {}).items():
            if endpoint not in ENDPOINTS:
                raise ValueError(
                    f"{endpoint[:40]!r} is no endpoint that is passed on. There are: {', '.join(ENDPOINTS)}"
                )
            cls._path_stays_on_the_host(path)
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

    def served(self) -> tuple[OperationName, ...]:
        """The operations of the API: those config.yaml names, else those the preset knows it to have and those that
        config.yaml names a path of."""
        if self.operations is not None:
            return tuple(dict.fromkeys(self.operations))
        named: dict[OperationName, str | None] = {
            "completions": self.completions_path,
            "responses": self.responses_path,
            "images": self.images_generations_path or self.images_edits_path,
        }
        known = self.known().operations
        return (*known, *(name for name, path in named.items() if path is not None and name not in known))

    def form(self) -> Form:
        """The preset's form with the keys of config.yaml put over it; tables are joined."""
        form = self.known().form
        given = {f.name: value for f in fields(Form) if (value := getattr(self, f.name)) is not None}
        for table in ("finish_reasons", "error_codes", "paths"):
            if table in given:
                given[table] = {**getattr(form, table), **given[table]}
        return replace(form, **given)
