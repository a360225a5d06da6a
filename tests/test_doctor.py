"""`glassgate doctor` and `accounts`: each wrong thing is found and has a way out; the exit status is the truth."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from addons.doctor import check_inspector, check_keys, check_port, check_python
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.sandbox.tokens import jwt
from tests.support.ports import free_port
from tests.support.processes import SandboxThread

KEY = "11" * 32
STRONG = "sk-glassgate-Zk3vX9qLw7TnB2"
type Doctor = Callable[..., Result]


@pytest.fixture(scope="module")
def sites() -> Iterator[SandboxThread]:
    with SandboxThread() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, sites: SandboxThread, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    zai = sites.description()["base_urls"]["zai"]
    (tmp_path / "config.yaml").write_text(
        f"listen: {{port: {free_port()}}}\nvault: {{path: vault/v.json}}\n"
        f"providers:\n  zai: {{type: zai, base_url: '{zai}', accounts: [{{name: one}}, {{name: two}}]}}\n"
    )
    return tmp_path


@pytest.fixture
def doctor(house: Path) -> Doctor:
    def run(*arguments: str, auth: str | None = STRONG, key: str | None = KEY) -> Result:
        environ = {"SESSION_ENCRYPTION_KEY": key, "AUTH_TOKEN": auth}
        return CliRunner().invoke(main, ["--config", str(house / "config.yaml"), *arguments], env=environ)

    return run


@pytest.fixture
def vault(house: Path) -> Vault:
    (house / "vault").mkdir(mode=0o700)
    return Vault.create(house / "vault" / "v.json", VaultKey.from_text(KEY), sync=False)


def found(result: Result) -> dict[str, set[str]]:
    """Statuses by check."""
    checks: dict[str, set[str]] = {}
    for line in json.loads(result.stdout)["checks"]:
        checks.setdefault(line["check"], set()).add(line["status"])
    return checks


def test_a_working_installation(doctor: Doctor, vault: Vault, sites: SandboxThread) -> None:
    vault.put("zai", "one", sites.site("zai").session())
    vault.put("zai", "two", sites.site("zai").session())
    result = doctor("doctor", "--online", "--json")
    assert (result.exit_code, json.loads(result.stdout)["ok"]) == (0, True)
    assert {status for statuses in found(result).values() for status in statuses} == {"ok"}
    assert "person@example.com" in result.stdout
    assert "A request can succeed." in doctor("doctor").stdout


def test_no_session_at_all_is_an_error_with_the_way_out(doctor: Doctor) -> None:
    result = doctor("doctor")
    assert result.exit_code == 1
    assert "zai/one is missing" in result.stdout
    assert "glassgate login zai one" in result.stdout


def test_a_dead_session_shows_online_only(doctor: Doctor, vault: Vault, sites: SandboxThread) -> None:
    vault.put("zai", "one", {"token": jwt({"id": "nobody", "email": "gone@example.com"})})
    vault.put("zai", "two", sites.site("zai").session())
    assert found(doctor("doctor", "--json"))["accounts"] == {"ok"}
    online = doctor("doctor", "--online", "--json")
    assert online.exit_code == 0, "the other account serves"
    assert found(online)["accounts"] == {"ok", "warning"}
    states = {line["account"]: line["state"] for line in json.loads(doctor("accounts", "--json").stdout)}
    assert states == {"one": "expired", "two": "ok"}
    later = Vault.open(vault.path, VaultKey.from_text(KEY), now=lambda: time.time() + 100, sync=False)
    later.put("zai", "one", sites.site("zai").session())
    assert {line["state"] for line in json.loads(doctor("accounts", "--json").stdout)} == {"ok"}


@pytest.mark.parametrize(
    ("more", "check"),
    [
        pytest.param({"key": "22" * 32}, "vault", id="wrong key"),
        pytest.param({"key": None}, "vault", id="no key"),
        pytest.param({"auth": None}, "config", id="no client key"),
        pytest.param({"auth": "short"}, "config", id="short client key"),
    ],
)
def test_what_keeps_the_gateway_from_starting(doctor: Doctor, vault: Vault, more: Any, check: str) -> None:
    result = doctor("doctor", "--json", **more)
    assert result.exit_code == 1
    assert found(result)[check] == {"error"}


def test_a_damaged_vault(doctor: Doctor, vault: Vault) -> None:
    data = vault.path.read_bytes()
    vault.path.write_bytes(data[:-20])
    assert found(doctor("doctor", "--json"))["vault"] == {"error"}


def test_a_broken_configuration_is_told_line_by_line(doctor: Doctor, house: Path) -> None:
    (house / "config.yaml").write_text("providers:\n  zai: {type: zia, accounts: []}\nlissen: {}\n")
    result = doctor("doctor", "--json")
    assert result.exit_code == 1
    messages = [line["message"] for line in json.loads(result.stdout)["checks"] if line["check"] == "config"]
    assert any("did you mean 'zai'" in message for message in messages)


def test_secrets_readable_by_others(doctor: Doctor, house: Path) -> None:
    (house / ".env").write_text("X=1\n")
    (house / ".env").chmod(0o644)
    (house / "config.yaml").chmod(0o666)
    result = doctor("doctor")
    assert f"chmod 600 {house}/.env" in result.stdout
    assert f"chmod go-w {house}/config.yaml" in result.stdout


@pytest.mark.parametrize(("tokens", "status"), [((STRONG,), "ok"), (("test-key-with-some-length",), "warning")])
def test_weak_keys(doctor: Doctor, house: Path, tokens: tuple[str, ...], status: str) -> None:
    from addons.core.config_file import load_config

    config = load_config(house / "config.yaml", {"AUTH_TOKEN": tokens[0]})
    assert [finding.status for finding in check_keys(config)] == [status]


@pytest.mark.parametrize(("answer", "status"), [(200, "ok"), (404, "error"), (None, "error")])
def test_a_port_in_use(house: Path, answer: int | None, status: str) -> None:
    from addons.core.config_file import load_config

    config = load_config(house / "config.yaml", {"AUTH_TOKEN": STRONG})
    with socket.socket() as other:
        other.bind(("127.0.0.1", config.sections.listen.port))
        other.listen()
        assert [finding.status for finding in check_port(config, lambda url: answer)] == [status]


@pytest.mark.parametrize(
    ("host", "asked"),
    [("127.0.0.1", "http://127.0.0.1"), ("0.0.0.0", "http://127.0.0.1"), ("::", "http://[::1]")],
)
def test_a_gateway_on_all_addresses_is_asked_by_one_it_answers_to(house: Path, host: str, asked: str) -> None:
    from addons.core.config_file import load_config

    config = load_config(house / "config.yaml", {"AUTH_TOKEN": STRONG})
    listen = config.sections.listen.model_copy(update={"host": host})
    config = replace(config, sections=config.sections.model_copy(update={"listen": listen}))
    urls: list[str] = []

    def ask(url: str) -> int:
        urls.append(url)
        return 200

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as other:
        other.bind((host, listen.port))
        other.listen()
        assert "ok" in {finding.status for finding in check_port(config, ask)}
    assert urls == [f"{asked}:{listen.port}/healthz"]


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", "warning"), ("0.0.0.0", "error")])
def test_open_files_of_keys_are_an_error_where_the_start_refuses_them(
    doctor: Doctor, house: Path, host: str, status: str
) -> None:
    text = (house / "config.yaml").read_text()
    (house / "config.yaml").write_text(text.replace("listen: {", f"listen: {{host: {host}, "))
    (house / "config.yaml").chmod(0o600)
    (house / ".env").write_text("X=1\n")
    (house / ".env").chmod(0o644)
    assert found(doctor("doctor", "--json", auth=2 * STRONG))["files"] == {"ok", status}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("web_host: 0.0.0.0", "other machines"),
        ("validate_inbound_headers: false", "smuggled"),
        ("ssl_insecure: true", "certificates"),
        ("save_stream_file: /tmp/x", "written to disk"),
        ("{", "cannot be read"),
        ("web_host: 127.0.0.2", "opens nothing"),
        ("[]", "opens nothing"),
    ],
)
def test_mitmproxys_own_configuration(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    assert any(words in finding.message for finding in check_inspector(tmp_path))


def test_an_old_python() -> None:
    assert [finding.status for finding in check_python((3, 11, 9))] == ["error"]
