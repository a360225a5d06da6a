"""Labels have names of this gateway alone, whatever clients and sites say."""

import pytest

from addons.routing.model_index import ModelIndex
from addons.telemetry.bounded import OTHER
from addons.telemetry.known_names import KnownNames, code, operation, status
from providers.contract.provider import Model

TABLE = {"GLM-4.6": Model("GLM-4.6", "o")}
NAMES = KnownNames(
    ModelIndex([("zai", TABLE)], {"fast": "GLM-4.6", "gpt-*": "GLM-4.6"}), {("zai", "a")}, {"zai"}, frozenset({"ada"})
)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (None, ""),
        ("GLM-4.6", "GLM-4.6"),
        ("glm-4.6 ", "GLM-4.6"),
        ("zai/GLM-4.6", "GLM-4.6"),
        ("FAST", "GLM-4.6"),
        ("gpt-anything-at-all", "GLM-4.6"),
        ("made-up", OTHER),
        ("", OTHER),
    ],
)
def test_a_model_has_the_name_it_is_served_by(asked: str | None, name: str) -> None:
    assert NAMES.model(asked) == name


def test_keys_and_accounts_are_those_in_force() -> None:
    assert [NAMES.key(name) for name in ("ada", "-", "anyone", "bob")] == ["ada", "-", "anyone", OTHER]
    assert NAMES.account("zai", "a") == ("zai", "a")
    assert NAMES.account("zai", "gone") == (OTHER, OTHER)
    assert NAMES.account(None, None) == NAMES.account("zai", None) == ("", "")


@pytest.mark.parametrize(
    ("series", "stands"),
    [
        ({"model": "GLM-4.6", "provider": "zai", "account": "a", "key": "ada"}, True),
        ({"model": OTHER, "provider": OTHER, "account": OTHER, "key": OTHER}, True),
        ({"model": "", "provider": "", "account": "", "key": "-"}, True),
        ({"model": "glm-4.6"}, False),
        ({"model": "gone"}, False),
        ({"key": "bob"}, False),
        ({"provider": "gone"}, False),
        ({"provider": "zai", "account": "b"}, False),
        ({"code": "anything"}, True),
    ],
)
def test_a_series_stands_as_long_as_all_it_names(series: dict[str, str], stands: bool) -> None:
    assert NAMES.stand(tuple(series), tuple(series.values())) is stands


def test_operations_codes_and_statuses_are_those_there_are() -> None:
    known = ["chat_completions", "options"]
    assert [operation(name) for name in (*known, "x", "")] == [*known, "", ""]
    assert [code(said) for said in ("rate_limited", "A b", "x" * 65, '"')] == ["rate_limited", OTHER, OTHER, OTHER]
    assert [status(number) for number in (200, 204, 499, 503, 0, 1000)] == ["2xx", "2xx", "4xx", "5xx", "", ""]
