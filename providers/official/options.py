"""The keys in config.yaml that providers of official APIs share, whatever the form of the API."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import Field, field_validator

from providers.contract.provider import ProviderOptions
from providers.contract.written import better

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,4096}")
OWN_HEADERS: Final = frozenset(
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
"""Set by the gateway, in lower case."""


class ApiOptions(ProviderOptions):
    """The keys: an address, models, more headers. Who derives from it names the presets there are."""

    base_url: str = ""
    models: Mapping[str, str] = Field(default_factory=dict)
    """Public id → the API's id, or a list of ids. Given, these and no others are served."""
    headers: Mapping[str, str] = Field(default_factory=dict)
    """More headers for each request; no secrets, they stand in every flow."""

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

    @field_validator("headers")
    @classmethod
    def _headers_are_free(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text) or "~sealed~" in text:
                raise ValueError(f"{name!r} is no header that can be sent")
            if name.lower() in OWN_HEADERS:
                raise ValueError(f"{name!r} is set by the gateway; keys belong into the vault")
        return value


def known_preset(value: str | None, presets: Iterable[str]) -> str | None:
    """The name of a preset. Raises ValueError for one that is none."""
    names = list(presets)
    if value is not None and value not in names:
        near = difflib.get_close_matches(value[:100], names, n=1)
        raise better("is no preset. There are: " + ", ".join(names), near[0] if near else "")
    return value
