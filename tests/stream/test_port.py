"""What the stream layer asks of the gateway: types alone, which those who are asked have in full."""

import ast
import inspect
from typing import Any

import pytest

from addons.exchange.answer_reader import AnswerReader
from addons.exchange.attempt import Attempt
from addons.exchange.exchange import Exchange
from addons.stream import port
from addons.stream.port import AnswerProgress, Fault, RequestPort, State, Timers, UpstreamAttempt
from addons.upstream.port import Target
from tests.support.drive import FakeAttempt, FakePort


def asked_for(protocol: type[Any]) -> set[str]:
    """The names that a protocol has."""
    return {name for name in (*protocol.__annotations__, *vars(protocol)) if not name.startswith("_")}


def has(kind: type[Any]) -> set[str]:
    """What an object of a class has: members, and what its methods set on it."""
    found = set(dir(kind))
    for cls in kind.__mro__[:-1]:
        found |= set(getattr(cls, "__annotations__", {}))
        for node in ast.walk(ast.parse(inspect.getsource(inspect.getmodule(cls) or cls))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
    return found


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        (UpstreamAttempt, Attempt),
        (UpstreamAttempt, FakeAttempt),
        (AnswerProgress, AnswerReader),
        (AnswerProgress, FakeAttempt),
        (RequestPort, Exchange),
        (RequestPort, FakePort),
    ],
)
def test_whoever_is_asked_has_all_that_is_asked_for(protocol: type[Any], kind: type[Any]) -> None:
    assert asked_for(protocol)
    assert asked_for(protocol) - has(kind) == set()


def test_it_knows_nothing_of_mitmproxys_inner_classes() -> None:
    tree = ast.parse(inspect.getsource(port))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module for module in modules if module and module.startswith("mitmproxy")} == {"mitmproxy"}


def test_targets_and_timers_are_values() -> None:
    assert Target("h", 1, tls=True) == Target("h", 1, True, None)
    assert len({Target("h", 1, True), Target("h", 1, True), Target("h", 2, True)}) == 2
    with pytest.raises(AttributeError):
        Timers(1, 2, 3, 4, 5).idle_s = 9  # type: ignore[misc]
    assert Timers(1, 2, 3, 4, 5).settle_s < Timers(1, 2, 3, 4, 5).first_token_s


def test_every_fault_is_one_of_its_own() -> None:
    assert len(set(Fault)) == len(Fault.__members__) == 10
    assert set(State) == {State.OPEN, State.DONE, State.FAILED}
