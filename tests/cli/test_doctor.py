"""`glassgate doctor`: what is wrong, whether a request can succeed, and with whom not."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from addons.app.runtime import Running
from addons.cli.checks import Finding
from tests.cli.conftest import CONFIG, OTHER, SECRET, Run


def test_a_disabled_provider_is_said_to_be_that(run: Run, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_TOKEN", SECRET)
    (house / "config.yaml").write_text(CONFIG.replace("accounts:", "enabled: off, accounts:"))
    result = run("sessions", "add", "official", "key1", "--api-key-stdin", given=SECRET)
    assert result.exit_code == 1
    assert "provider 'official' is disabled: config.yaml has enabled: false there" in result.stderr
    doctor = run("doctor")
    assert doctor.exit_code == 1
    assert "every provider is disabled (enabled: false), so no model is served" in doctor.stdout
    assert "login PROVIDER" not in doctor.stdout


@pytest.fixture(autouse=True)
def well(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with nothing wrong but what a test does to it, and nobody on the network."""
    monkeypatch.setenv("HOME", str(house))
    monkeypatch.setenv("AUTH_TOKEN", "sk-glassgate-Zk3vX9qLw7TnB2")
    for file in (house / "config.yaml",):
        file.chmod(0o600)
    monkeypatch.setattr("addons.cli.checks.check_packages", lambda *a: iter(()))
    monkeypatch.setattr("addons.cli.checks.check_port", lambda *a: iter([Finding("port", "ok", "it is free")]))


def checks(result: Result) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in json.loads(result.stdout)["checks"]:
        found.setdefault(one["check"], []).append(one["status"])
    return found


def test_of_a_well_installation_a_request_can_succeed(run: Run, made: Path) -> None:
    result = run("doctor")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "A request can succeed.")
    told = json.loads(run("doctor", "--json").stdout)
    assert (told["ok"], told["without"]) == (True, [])
    assert {one["status"] for one in told["checks"]} == {"ok"}
    assert {"python", "mitmproxy", "config", "files", "client keys", "port", "vault", "accounts"} <= checks(
        run("doctor", "--json")
    ).keys()


def test_every_finding_has_its_mark_and_its_way_out(run: Run, house: Path) -> None:
    (house / ".env").write_text("X=1\n")
    (house / ".env").chmod(0o644)
    lines = run("doctor").stdout.splitlines()
    assert lines[-1] == "No request can succeed until the errors above are mended."
    [number] = [number for number, line in enumerate(lines) if line.startswith(f"warning  files: {house}/.env")]
    assert lines[number + 1] == f"         → chmod 600 {house}/.env"
    assert any(line.startswith("ERROR    accounts: no account can serve") for line in lines)
    assert any(line.startswith("ok       config: ") for line in lines)


def test_an_account_that_is_out_is_named_when_others_serve(run: Run, made: Path, house: Path) -> None:
    (house / "config.yaml").write_text(CONFIG.replace("{name: key1}", "{name: key1}, {name: key2}"))
    result = run("doctor")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "A request can succeed, but not with official/key2.",
    )
    assert json.loads(run("doctor", "--json").stdout)["without"] == ["official/key2"]


def test_a_configuration_that_cannot_be_read_ends_the_looking(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text("log: {level: x}\nlisten: {port: 0}\n" + CONFIG)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert checks(result)["config"] == ["error", "error"]
    assert "vault" not in checks(result)


def test_a_vault_that_does_not_open_ends_it_too(run: Run, made: Path) -> None:
    result = run("doctor", "--json", key=OTHER)
    assert result.exit_code == 1
    assert checks(result)["vault"] == ["error"]
    assert "accounts" not in checks(result)


def test_where_no_account_needs_a_vault_none_is_missed(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text(CONFIG.replace("{name: key1}", "{name: key1, session: none}"))
    result = run("doctor")
    assert result.exit_code == 0
    assert "there is no vault, and no account needs one" in result.stdout


@pytest.mark.parametrize("refuses", [True, False])
def test_online_every_site_is_asked_and_the_process_tidied_up(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    closed: list[bool] = []

    async def ask(running: Running, refused: set[str]) -> list[Finding]:
        if refuses:
            refused.add("official/key1")
        return [Finding("sites", "ok", "asked")]

    async def close(running: Running) -> None:
        closed.append(True)

    monkeypatch.setattr("addons.cli.checks.ask_sites", ask)
    monkeypatch.setattr(Running, "close", close)
    result = run("doctor", "--online")
    assert "ok       sites: asked" in result.stdout
    assert (result.exit_code, closed) == (int(refuses), [True])


def test_offline_no_site_is_asked(run: Run, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.cli.checks.ask_sites", None)
    assert run("doctor").exit_code == 0
