"""The alert rules and the dashboard name metrics, labels and states that a running gateway really has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from addons.accounts.breaker import STATES
from addons.accounts.health import Health
from tests.app.test_metrics_part import ON, scrape
from tests.support.answers import DONE, FINISH, STREAM, word
from tests.support.harness import api
from tests.support.processes import ROOT
from tests.support.virtual_time import run_virtual

RULES = ROOT / "deploy/prometheus/glassgate.rules.yml"
BOARD = ROOT / "deploy/grafana/glassgate.json"
FROM_PROMETHEUS = {"instance", "job"}
VARIABLES = ("datasource", "instance", "provider", "model", "key")
SAID = {
    ("glassgate_account_state", "state"): {state.value for state in Health},
    ("glassgate_account_breakers", "state"): set(STATES),
    ("glassgate_requests_total", "outcome"): {"ok", "refused", "failed", "broken_off", "client_left", "replayed"},
    ("glassgate_tokens_total", "type"): {"input", "output", "cached", "reasoning"},
}
"""The values that a label can have, where it is matched by them."""


def rules() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BOARD.read_text(encoding="utf-8"))
    return found


def asked_by_board() -> list[str]:
    """Its queries, as Grafana sends them."""
    found = [target["expr"] for panel in board()["panels"] for target in panel["targets"]]
    return [text.replace("$__rate_interval", "5m") for text in found]


def queries() -> list[str]:
    return [*(rule["expr"] for rule in rules()), *asked_by_board()]


def selectors(query: str) -> Iterator[Any]:
    found: list[Any] = []

    def met(node: Any) -> bool:
        found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(query), met)
    for node in found:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            yield node


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What a gateway that has answered has: name → its labels."""

    async def scraped(folder: Path) -> str:
        async with api(folder, ON) as house:
            visit = await house.visit().chats("m")
            await visit.says(STREAM, word("Good"), FINISH, DONE)
            await house.visit().chats("nobody")
            return (await scrape(house)).body.decode()

    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(run_virtual(scraped(tmp_path_factory.mktemp("house")))):
        names = [f"{family.name}{end}" for end in ("_bucket", "_sum", "_count")]
        one = f"{family.name}_total" if family.type == "counter" else family.name
        for name in names if family.type == "histogram" else [one]:
            found[name] = set()
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("query", queries())
def test_each_query_is_one_of_what_there_is(query: str, served: dict[str, set[str]]) -> None:
    chosen = list(selectors(query))
    assert chosen
    for one in chosen:
        assert one.name in served, one.name
        for matcher in one.matchers.matchers:
            if matcher.name in FROM_PROMETHEUS or "$" in matcher.value:
                continue
            assert not served[one.name] or matcher.name in served[one.name], (one.name, matcher.name)
            if (values := SAID.get((one.name, matcher.name))) is not None:
                assert set(matcher.value.split("|")) <= values


def test_rules_have_what_people_read_and_names_of_their_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert re.fullmatch(r"\d+m", rule["for"])
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")


def test_the_dashboard_asks_the_prometheus_that_is_chosen() -> None:
    found = board()
    assert tuple(one["name"] for one in found["templating"]["list"]) == VARIABLES
    numbers = [panel["id"] for panel in found["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in found["panels"]:
        assert panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert set(re.findall(r"\$(\w+)", json.dumps(panel["targets"]))) <= {*VARIABLES, "__rate_interval"}


def test_every_metric_is_on_the_dashboard_or_watched() -> None:
    """But the one whose label is all it has."""
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(glassgate_\w+)`", page, re.MULTILINE)) - {"glassgate_build_info"}
    asked = " ".join(queries())
    assert [name for name in sorted(named) if name not in asked] == ["glassgate_draining"]


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
