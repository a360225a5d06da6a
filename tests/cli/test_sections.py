"""No command wants a client key it has no use for: beyond loopback, and with keys that are wrong or not there."""

import json
from pathlib import Path

import click
import pytest

from addons.cli.main import main
from addons.vault import audit
from tests.cli.conftest import CONFIG, OTHER, SECRET, Run

STRONG = "sk-glassgate-Zk3vX9qLw7TnB2-Zk3vX9qLw7TnB2"
OPEN = "listen: {host: 0.0.0.0, port: 9}\n"

KEYLESS = [
    pytest.param(("accounts",), None, 0, id="accounts"),
    pytest.param(("accounts", "--json"), None, 0, id="accounts json"),
    pytest.param(("accounts", "reset"), None, 0, id="accounts reset"),
    pytest.param(("backup", "kept.backup"), None, 0, id="backup"),
    pytest.param(("cases", "add", "none.record.json"), None, 1, id="cases add"),
    pytest.param(("drift",), None, 0, id="drift"),
    pytest.param(("keygen",), None, 0, id="keygen"),
    pytest.param(("keygen", "--client"), None, 0, id="keygen client"),
    pytest.param(("keys", "add", "ada"), None, 0, id="keys add"),
    pytest.param(("keys", "list"), None, 0, id="keys list"),
    pytest.param(("keys", "show", "none"), None, 1, id="keys show"),
    pytest.param(("keys", "edit", "none", "--rpm", "3"), None, 1, id="keys edit"),
    pytest.param(("keys", "rotate", "none"), None, 1, id="keys rotate"),
    pytest.param(("keys", "revoke", "none"), None, 1, id="keys revoke"),
    pytest.param(("login", "official"), None, 1, id="login"),
    pytest.param(("models",), None, 0, id="models"),
    pytest.param(("record", "on"), None, 0, id="record on"),
    pytest.param(("record", "off"), None, 0, id="record off"),
    pytest.param(("record", "import", "none.har"), None, 1, id="record import"),
    pytest.param(("replay", "--check", "none.record.json"), None, 1, id="replay"),
    pytest.param(("restore", "none.backup"), None, 2, id="restore"),
    pytest.param(("run", "--print", "claude"), None, 1, id="run"),
    pytest.param(("sandbox", "--site", "none"), None, 1, id="sandbox"),
    pytest.param(("sessions", "add", "official", "key1", "--api-key-stdin"), "sk-0123456789", 0, id="sessions add"),
    pytest.param(("sessions", "import", "-"), "nothing", 1, id="sessions import"),
    pytest.param(("sessions", "list"), None, 0, id="sessions list"),
    pytest.param(("sessions", "prune"), None, 0, id="sessions prune"),
    pytest.param(("sessions", "remove", "official", "key1"), None, 0, id="sessions remove"),
    pytest.param(("usage",), None, 1, id="usage"),
    pytest.param(("usage", "forget", "--yes", "none"), None, 1, id="usage forget"),
    pytest.param(("vault", "init"), None, 1, id="vault init"),
    pytest.param(("vault", "check"), None, 0, id="vault check"),
    pytest.param(("vault", "info"), None, 0, id="vault info"),
    pytest.param(("vault", "add-slot", "--key-stdin"), OTHER, 0, id="vault add-slot"),
    pytest.param(("vault", "remove-slot", "none"), None, 1, id="vault remove-slot"),
    pytest.param(("vault", "rotate-key"), None, 0, id="vault rotate-key"),
    pytest.param(("vault", "rotate-passphrase", "--new-key-stdin"), OTHER, 0, id="vault rotate-passphrase"),
]
WITH_KEYS = {"doctor", "status", "listen", "config check", "serve", "web", "console", "setup", "reload"}
"""The last one asks a running gateway, which does."""
ELSEWHERE = {"capture", "demo", "config schema"}
"""The first two become or start other programs; the schema has a section of that name."""


@pytest.mark.parametrize(
    "auth",
    [
        pytest.param("", id="none"),
        pytest.param("auth: {tokens: ['${AUTH_TOKEN}']}\n", id="unset"),
        pytest.param("auth: {tokens: [short], tokens_file: nowhere, skip: true}\n", id="wrong"),
    ],
)
@pytest.mark.parametrize(("command", "given", "status"), KEYLESS)
def test_commands_without_a_use_for_client_keys(
    run: Run,
    made: Path,
    house: Path,
    monkeypatch: pytest.MonkeyPatch,
    auth: str,
    command: tuple[str, ...],
    given: str | None,
    status: int,
) -> None:
    (house / "config.yaml").write_text(OPEN + auth + CONFIG)
    monkeypatch.chdir(house)
    result = run(*command, given=given)
    assert result.exit_code == status, result.output
    assert "listen.host" not in result.output
    assert "auth" not in result.output.replace("authorization", "")


def test_a_capture_has_no_use_for_client_keys(made: Path, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from addons.capturing.target import target_of
    from addons.cli.base import Problem

    monkeypatch.setenv("SESSION_ENCRYPTION_KEY", "00" * 32)
    (house / "config.yaml").write_text(OPEN + CONFIG)
    with pytest.raises(Problem, match="is an official API"):
        target_of(house / "config.yaml", "official", None)


def test_no_command_was_forgotten() -> None:
    def leaves(group: click.Group) -> set[str]:
        found = set()
        for name in group.commands:
            command = group.get_command(click.Context(group), name)
            inner = leaves(command) if isinstance(command, click.Group) else set()
            found |= {f"{name} {one}" for one in inner} or {name}
        return found

    tried = {" ".join(param.values[0]) for param in KEYLESS}  # type: ignore[arg-type]
    missing = [name for name in leaves(main) - WITH_KEYS - ELSEWHERE if not any(one.startswith(name) for one in tried)]
    assert missing == []


@pytest.mark.parametrize(
    ("env", "auth", "status"),
    [
        pytest.param(f"AUTH_TOKEN={STRONG}\n", "", "ok", id="in .env"),
        pytest.param("", f"auth: {{tokens: [{STRONG}]}}\n", "ok", id="in config.yaml"),
        pytest.param("AUTH_TOKEN=sk-short-0123\n", "", "error", id="too short"),
        pytest.param("", "", "error", id="none"),
    ],
)
def test_commands_that_judge_the_keys(run: Run, house: Path, env: str, auth: str, status: str) -> None:
    (house / "config.yaml").write_text(OPEN + auth + CONFIG)
    (house / ".env").write_text(env)
    checks = {one["check"]: one["status"] for one in json.loads(run("doctor", "--json").stdout)["checks"]}
    assert checks["config"] == status
    told = run("listen")
    assert (told.exit_code, told.output) == (0, "0.0.0.0 9\n") if status == "ok" else told.exit_code == 1


def test_commands_of_the_vault_do_not_look_at_providers(run: Run, made: Path, house: Path) -> None:
    (house / "config.yaml").write_text("providers: {official: {type: nonsense}}\n")
    assert run("vault", "check").exit_code == 0
    assert run("accounts").exit_code == 1


def test_what_administrators_do_is_noted_without_secrets(run: Run, made: Path, house: Path) -> None:
    assert run("accounts", "reset").exit_code == 0
    assert run("vault", "add-slot", "--key-stdin", given=OTHER).exit_code == 0
    assert run("vault", "rotate-passphrase", "--new-key-stdin", given="22" * 32).exit_code == 0
    assert run("sessions", "remove", "official", "key1", key="22" * 32).exit_code == 0
    lines = list(audit.noted(house / ".sessions"))
    assert [line["action"] for line in lines] == [
        "sessions add",
        "accounts reset",
        "vault add-slot",
        "vault rotate-passphrase",
        "sessions remove",
    ]
    assert lines[0]["session"] == "official/key1"
    text = (house / ".sessions" / audit.FILE_NAME).read_text()
    assert not any(secret in text for secret in (SECRET, OTHER, "22" * 32))
