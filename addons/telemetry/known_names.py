"""The names that may stand in labels: served models, configured accounts, client keys in force. All others are one."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from addons.ingress import gate
from addons.routing.model_index import ModelIndex
from addons.telemetry.bounded import OTHER

NOBODY: Final = frozenset({"", "-", "anyone", OTHER})
"""What stands for no key of anybody: none was shown, none was right, none is wanted."""
_CODE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_STATUS: Final[Mapping[int, str]] = {number: f"{number}xx" for number in range(1, 6)}


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names of one configuration and one model index."""

    index: ModelIndex
    accounts: Container[tuple[str, str]]
    """(provider, account)."""
    providers: Container[str]
    keys: frozenset[str]

    def model(self, name: str | None) -> str:
        """The public name of a model, however it was asked for; empty for none."""
        if name is None:
            return ""
        routes = self.index.find(name)
        return routes[0].model.id if routes else OTHER

    def account(self, provider: str | None, account: str | None) -> tuple[str, str]:
        if provider is None or account is None:
            return ("", "")
        return (provider, account) if (provider, account) in self.accounts else (OTHER, OTHER)

    def key(self, name: str) -> str:
        return name if name in self.keys or name in NOBODY else OTHER

    def stands(self, label: str, value: str) -> bool:
        """Whether the value of a label still stands for something."""
        match label:
            case "model":
                return value in ("", OTHER) or self.model(value) == value
            case "key":
                return self.key(value) == value
            case "provider":
                return value in ("", OTHER) or value in self.providers
            case _:
                return True

    def stand(self, labels: tuple[str, ...], values: tuple[str, ...]) -> bool:
        """Whether all of a series' values do, and belong together."""
        found = dict(zip(labels, values, strict=True))
        of_account = found.get("account") in (None, "", OTHER)
        return all(map(self.stands, labels, values)) and (
            of_account or (found["provider"], found["account"]) in self.accounts
        )


def operation(name: str) -> str:
    """An operation of the API, or of the gateway's own; empty for what was none."""
    return name if name in _operations(gate.routes()) else ""


def code(said: str) -> str:
    """An error code that looks like one."""
    return said if _CODE.fullmatch(said) else OTHER


def status(number: int) -> str:
    """The class of a status: 2xx."""
    return _STATUS.get(number // 100, "")


@lru_cache(maxsize=1)
def _operations(routes: gate.Routes) -> frozenset[str]:
    return frozenset(route.operation for route, _ in routes.rows) | {"options", "preflight"}
