"""Both drivers of plain HTTP/1.1 clients: the same answers, flows that agree in every field, hooks in one order."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.processes import SandboxThread
from tests.support.same_flows import EXCHANGES, Told, still, told_by

NAMES = [exchanges.name for exchanges in EXCHANGES]


@pytest.fixture(scope="module")
def both(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    told = {}
    for driver in ("mitmproxy", "auto"):
        folder = tmp_path_factory.mktemp(driver)
        folder.chmod(0o700)
        told[driver] = told_by(driver, folder, thread)
    return told


def test_each_driver_has_served(both: dict[str, Told]) -> None:
    assert both["mitmproxy"].drivers == {"mitmproxy"}
    assert both["auto"].drivers == {"auto"}


@pytest.mark.parametrize("name", NAMES)
def test_the_client_is_told_the_same(name: str, both: dict[str, Told]) -> None:
    assert both["auto"].answers[name] == both["mitmproxy"].answers[name]


@pytest.mark.parametrize("name", NAMES)
def test_flows_agree_in_every_field(name: str, both: dict[str, Told]) -> None:
    ours, theirs = (both[driver].flows.get(name, []) for driver in ("auto", "mitmproxy"))
    assert ours == theirs
    assert ours or name in ("no HTTP", "two lengths", "a head that is left")


@pytest.mark.parametrize("name", NAMES)
def test_hooks_come_in_the_same_order(name: str, both: dict[str, Told]) -> None:
    """Of each flow and of the connections; ids of flows are other ones."""
    ours, theirs = (dict(both[driver].hooks[name]) for driver in ("auto", "mitmproxy"))
    for about in ("client", "provider"):
        assert ours.pop(about, None) == theirs.pop(about, None)
    assert list(ours.values()) == list(theirs.values())


def test_what_the_exchanges_are_for_has_happened(both: dict[str, Told]) -> None:
    """Else two gateways that serve nobody agree too."""
    seen = both["mitmproxy"]
    statuses = {name: answer.split(" ", 2)[1] for name, answer in seen.answers.items() if answer}
    refused = {"401", "404", "413", "400"}
    assert {statuses[name] for name in NAMES if name.startswith("refused, ")} == refused
    assert statuses["100-continue"] == "100"
    assert {statuses[name] for name in ("whole", "stream", "tools", "fail-over", "byte by byte", "chunked")} == {"200"}
    assert seen.answers["two at once"].count("HTTP/1.1 200 OK") == 2
    assert "well edited" in str(seen.flows["held, edited, let go"])
    for name in ("killed in the middle", "killed while it is held"):
        assert "killed" in str(seen.flows[name][0]["error"]), name
    hooks = seen.hooks["an addon that raises"]
    assert [one["by"] for one in max(hooks.values(), key=len) if one["hook"] == "request"] == ["async", "raising"]


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        (lambda flow: flow["response"].update(reason="Fine"), True),
        (lambda flow: flow["client_conn"].update(timestamp_end=None), True),
        (lambda flow: flow["client_conn"].update(timestamp_end=7.5), False),
        (lambda flow: flow.update(id="another"), False),
    ],
)
def test_what_counts_as_the_same(change: Callable[[Any], None], is_seen: bool) -> None:
    def flow() -> dict[str, Any]:
        return {"id": "one", "client_conn": {"timestamp_end": 1.5}, "response": {"reason": "OK"}}

    other = flow()
    change(other)
    assert (still(other) != still(flow())) is is_seen
