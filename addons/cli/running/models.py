"""The models that a running gateway serves, and the one that a program is started with."""

import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from addons.cli.base import Problem
from addons.cli.gateway_http import Got, connect, get

_LONGEST_NAME: Final = 300


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as GET /v1/models tells of it. `tools`: None where nothing is known."""

    id: str
    context: int | None = None
    tools: bool | None = None
    writes: bool = True
    """Its answers are text, among others."""

    @classmethod
    def of(cls, told: dict[str, Any]) -> "ServedModel":
        context, fields = told.get("context_length"), told.get("supported_parameters")
        architecture = told.get("architecture")
        outputs = architecture.get("output_modalities") if isinstance(architecture, dict) else None
        return cls(
            str(told.get("id", "")),
            context if isinstance(context, int) and context > 0 else None,
            "tools" in fields if isinstance(fields, list) else None,
            "text" in outputs if isinstance(outputs, list) else True,
        )


def named_model(base: str, key: str | None, name: str) -> ServedModel:
    """The model of a name. Raises Problem, in the gateway's own words, with near names, where nobody serves it."""
    got = _asked(base, key, f"/v1/models/{quote(name[:_LONGEST_NAME], safe='')}")
    if got.status != 200:
        raise Problem(_words(got) or f"the gateway does not serve {name!r}")
    return ServedModel.of(got.value)


def usual_model(base: str, key: str | None, prefers: Sequence[str]) -> ServedModel:
    """The model where nobody chooses: one whose name begins as the program knows it, else the first that takes tools.

    Raises Problem where the gateway serves none.
    """
    got = _asked(base, key, "/v1/models")
    listed = got.value.get("data") if got.status == 200 else None
    if not isinstance(listed, list):
        raise Problem(_words(got) or "the gateway does not tell its models")
    known = [ServedModel.of(told) for told in listed if isinstance(told, dict)]
    found = chosen(known, prefers)
    if found is None:
        raise Problem("no account of the gateway can serve a model now; see: glassgate status")
    return found


def chosen(models: Sequence[ServedModel], prefers: Sequence[str]) -> ServedModel | None:
    """The one that suits a program best; None among none."""
    writing = [model for model in models if model.id and model.writes]
    fit = [model for model in writing if model.tools] or [model for model in writing if model.tools is None] or writing
    for beginning in prefers:
        for model in fit:
            if model.id.casefold().startswith(beginning):
                return model
    return fit[0] if fit else None


def _asked(base: str, key: str | None, path: str) -> Got:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        connection = connect(base)
        try:
            return get(connection, base, path, headers)
        finally:
            connection.close()
    except (http.client.HTTPException, OSError, ValueError):
        raise Problem(f"the gateway at {base} does not answer") from None


def _words(got: Got) -> str:
    error = got.value.get("error")
    words = error.get("message") if isinstance(error, dict) else None
    return words if isinstance(words, str) else ""
