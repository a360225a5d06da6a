"""Small commands: models, keys, the sandbox, and what run_proxy.sh asks."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from addons.recordings.kept_files import ENDING
from providers.sandbox.run import SITES
from tests.cli.conftest import CONFIG, SECRET, Run
from tests.recordings.test_recording import recorded


def test_names_that_nobody_serves_are_told_with_the_models_and_by_doctor(
    run: Run, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_TOKEN", SECRET)
    (house / "config.yaml").write_text("models: {aliases: {fast: mm1, good: m1}}\n" + CONFIG)
    words = f"{house}/config.yaml:1: models.aliases.fast: no provider serves a model 'mm1'; did you mean 'm1'?"
    result = run("models")
    assert result.exit_code == 0
    assert result.stderr == f"glassgate: {words}\n"
    assert "good" in result.stdout
    assert f"ERROR    models: {words}" in run("doctor").stdout


def test_models_with_their_providers_and_aliases(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text("models: {aliases: {fast: m1, gone: m9}}\n" + CONFIG)
    lines = run("models").stdout.splitlines()
    assert lines == ["m1  (official)", "fast  → m1", "gone  → m9  (nobody serves it)"]
    told = json.loads(run("models", "--json").stdout)
    assert told["object"] == "list"
    assert [one["id"] for one in told["data"]] == ["m1"]


def test_an_api_whose_models_are_its_own_list_is_told_of(run: Run, house: Path) -> None:
    near = (
        "  near: {type: openai_compatible, base_url: 'http://127.0.0.1:9/v1', accounts: [{name: a, session: none}]}\n"
    )
    (house / "config.yaml").write_text(CONFIG.replace("providers:\n", f"providers:\n{near}", 1))
    result = run("models")
    assert "near: its models are those of its own list, which" in result.stderr
    assert "official:" not in result.stderr


def test_keys_are_fresh_and_fit_for_what_they_are_for(run: Run) -> None:
    vault = {run("keygen").stdout for _ in range(5)}
    assert len(vault) == 5
    assert {len(base64.urlsafe_b64decode(key)) for key in vault} == {32}
    client = run("keygen", "--client").stdout.strip()
    assert client.startswith("sk-glassgate-")
    assert len(client) >= 40


@pytest.fixture
def sandboxes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the sandbox was started with; it ends at once."""
    started: list[tuple[object, ...]] = []

    async def run(
        sites: object, port_base: int, announce: Callable[[dict[str, Any]], None], own: Any, slip: str
    ) -> None:
        named = {name: type(site).__name__ for name, site in own.items()}
        started.append((sites, port_base, named, *([slip] if slip else ())))
        announce({"base_urls": {"zai": "http://127.0.0.1:1"}, "sessions": {}})

    monkeypatch.setattr("providers.sandbox.run.run", run)
    return started


def test_a_sandbox_of_all_sites_or_some(run: Run, sandboxes: list[tuple[object, ...]]) -> None:
    assert run("sandbox").stdout == "zai  http://127.0.0.1:1\n"
    told = run("sandbox", "--site", "zai", "--site", "openai", "--port-base", "9000", "--json")
    assert json.loads(told.stdout)["base_urls"] == {"zai": "http://127.0.0.1:1"}
    assert sandboxes == [(tuple(SITES), 0, {}), (("zai", "openai"), 9000, {})]


def test_the_keys_of_its_apis_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made up at each start, and without them nobody can ask."""

    async def run_it(_sites: object, _port: int, announce: Callable[[dict[str, Any]], None], *_rest: object) -> None:
        urls = {"zai": "http://127.0.0.1:1", "openai": "http://127.0.0.1:2"}
        announce({"base_urls": urls, "sessions": {"zai": {"token": "t"}, "openai": {"api_key": "sk-sandbox-1"}}})

    monkeypatch.setattr("providers.sandbox.run.run", run_it)
    told = run("sandbox")
    assert "openai  http://127.0.0.1:2  key sk-sandbox-1\n" in told.stdout
    assert "glassgate sandbox --json" in told.stderr


def test_a_port_that_is_taken_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(*_what: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr("providers.sandbox.run.run", taken)
    result = run("sandbox", "--port-base", "23300")
    assert result.exit_code == 1
    assert result.stderr.startswith("glassgate: a sandbox site cannot listen (Address already in use); --port-base")


def test_its_models_go_wrong_in_a_way_that_is_known(run: Run, sandboxes: list[tuple[object, ...]]) -> None:
    assert run("sandbox", "--slip", "glm").exit_code == 0
    result = run("sandbox", "--slip", "nonsense")
    assert (result.exit_code, "Known: any, glm, " in result.stderr) == (1, True)
    assert sandboxes == [(tuple(SITES), 0, {}, "glm")]


def test_a_site_that_is_none_is_refused(run: Run, sandboxes: list[tuple[object, ...]]) -> None:
    result = run("sandbox", "--site", "nonsense")
    assert (result.exit_code, "Known: zai, " in result.stderr, sandboxes) == (1, True, [])


def test_recordings_stand_in_the_place_of_their_sites(
    run: Run, house: Path, sandboxes: list[tuple[object, ...]]
) -> None:
    (house / f"a{ENDING}").write_text(recorded().dump())
    assert run("sandbox", "--replay", str(house)).exit_code == 0
    assert run("sandbox", "--replay", str(house / f"a{ENDING}"), "--site", "qwen").exit_code == 0
    assert [(sites, own) for sites, _, own in sandboxes] == [
        ((), {"zai": "ReplaySite"}),
        (("qwen",), {"zai": "ReplaySite"}),
    ]


@pytest.mark.parametrize(
    ("words", "taken", "said"),
    [
        ((), (), "127.0.0.1 8080"),
        (("--host", "::1", "--port", "9"), (), "::1 9"),
        (("--port", "0"), (), ""),
        ((), (8080,), ""),
        (("--web-port", "8081"), (), "127.0.0.1 8080"),
        (("--web-port", "8081"), (8081,), ""),
        (("--port", "7", "--web-port", "7"), (), ""),
    ],
)
def test_where_run_proxy_is_to_listen(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], taken: tuple[int, ...], said: str
) -> None:
    monkeypatch.setenv("AUTH_TOKEN", "sk-glassgate-Zk3vX9qLw7TnB2")
    with patch("addons.cli.serve.port_problem", lambda host, port, *a: "in use" if port in (0, *taken) else None):
        result = run("listen", *words)
    assert (result.exit_code, result.stdout.strip()) == (0 if said else 1, said)
    if "7" in words:
        assert result.stderr == "glassgate: the gateway and mitmweb cannot have one port: --web-port N\n"
