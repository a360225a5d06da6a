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

from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import FileStateStore
from addons.cli.checks import check_inspector, check_keys, check_packages, check_port, check_python, check_tls
from addons.cli.main import main
from addons.config.loader import load_config
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.sandbox.tokens import jwt
from tests.config.written import strong
from tests.support.accounts import health_in, saved
from tests.support.certificates import DAY, NOW, Issued, write_pair
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
    assert "/run_proxy.sh capture zai one --config " in result.stdout
    assert "glassgate login" not in result.stdout, "a program cannot sign in there"


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


def test_a_session_the_site_knows_is_not_called_well_while_its_chats_are_refused(
    doctor: Doctor, vault: Vault, sites: SandboxThread
) -> None:
    vault.put("zai", "one", sites.site("zai").session())
    vault.put("zai", "two", sites.site("zai").session())
    store = FileStateStore(vault.path.with_name("accounts.json"), time.time)
    health_in(store, ("zai", "one")).record(
        AccountState(Health.CHALLENGED, int(time.time()), None, "a captcha is wanted")
    )
    saved(store)
    told = json.loads(doctor("doctor", "--online", "--json").stdout)["checks"]
    [warned] = [line for line in told if line["check"] == "sites" and line["status"] == "warning"]
    assert "zai/one: the site knows this session" in warned["message"]
    assert "a captcha is wanted" in warned["message"]
    assert "capture zai one" in warned["fix"]
    states = {line["account"]: line["state"] for line in json.loads(doctor("accounts", "--json").stdout)}
    assert states == {"one": "challenged", "two": "ok"}


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
    config = load_config(house / "config.yaml", {"AUTH_TOKEN": tokens[0]})
    assert [finding.status for finding in check_keys(config, 0)] == [status]


@pytest.mark.parametrize(("answer", "status"), [(200, "ok"), (404, "error"), (None, "error")])
def test_a_port_in_use(house: Path, answer: int | None, status: str) -> None:
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


OFFICIAL = "  {name}: {{type: openai_compatible, base_url: '{url}', accounts: [{{name: k}}]}}\n"


def official(house: Path, **urls: str) -> None:
    """config.yaml with these providers of the official form and no others."""
    text = (house / "config.yaml").read_text().partition("  zai:")[0]
    (house / "config.yaml").write_text(
        text + "".join(OFFICIAL.format(name=name, url=url) for name, url in urls.items())
    )


def test_a_lone_provider_out_of_reach_is_the_end_of_every_request(doctor: Doctor, house: Path, vault: Vault) -> None:
    official(house, alpha=f"http://127.0.0.1:{free_port()}/v1")
    vault.put("alpha", "k", {"api_key": "sk-0123456789abcdef"})
    assert doctor("doctor").exit_code == 0
    online = doctor("doctor", "--online")
    assert online.exit_code == 1
    assert online.stdout.endswith("No request can succeed until the errors above are mended.\n")
    assert "alpha cannot be reached at 127.0.0.1:" in online.stdout


def test_the_verdict_names_the_accounts_that_are_out(
    doctor: Doctor, house: Path, vault: Vault, sites: SandboxThread
) -> None:
    described = sites.description()
    official(
        house,
        alpha=f"http://127.0.0.1:{free_port()}/v1",
        beta=described["base_urls"]["openai"] + "/v1",
        gamma="https://x.example/v1",
    )
    vault.put("alpha", "k", {"api_key": "sk-0123456789abcdef"})
    vault.put("beta", "k", described["sessions"]["openai"])
    online = doctor("doctor", "--online")
    assert online.exit_code == 0
    assert online.stdout.endswith("A request can succeed, but not with alpha/k, gamma/k.\n")
    assert json.loads(doctor("doctor", "--online", "--json").stdout)["without"] == ["alpha/k", "gamma/k"]


def test_a_wrong_address_is_found_online(doctor: Doctor, house: Path, vault: Vault, sites: SandboxThread) -> None:
    described = sites.description()
    url = described["base_urls"]["openai"]
    official(house, alpha=url)
    vault.put("alpha", "k", described["sessions"]["openai"])
    online = doctor("doctor", "--online")
    assert online.exit_code == 1
    assert (
        f"base_url should end in /v1: change providers.alpha.base_url in config.yaml from {url} to {url}/v1"
        in online.stdout
    )


def test_a_key_of_the_messages_form_is_tried(doctor: Doctor, house: Path, vault: Vault, sites: SandboxThread) -> None:
    described = sites.description()
    official(house, alpha=described["base_urls"]["anthropic"])
    config = house / "config.yaml"
    config.write_text(config.read_text().replace("openai_compatible", "anthropic"))
    vault.put("alpha", "k", described["sessions"]["anthropic"])
    online = doctor("doctor", "--online")
    assert online.exit_code == 0, online.output
    assert "the API takes the key" in online.stdout
    vault.put("alpha", "k", {"api_key": "sk-ant-0123456789abcdef"})
    refused = doctor("doctor", "--online")
    assert refused.exit_code == 1
    assert "The API does not accept the key: invalid x-api-key" in refused.stdout
    assert "sessions add alpha k --api-key-stdin" in refused.stdout


def test_an_endpoint_as_address_is_found_without_asking(doctor: Doctor, house: Path, vault: Vault) -> None:
    official(house, alpha="https://x.example/v1/messages")
    vault.put("alpha", "k", {"api_key": "sk-0123456789abcdef"})
    offline = doctor("doctor")
    assert offline.exit_code == 1
    assert "to https://x.example/v1" in offline.stdout


def test_nobody_with_a_key_is_sent_to_sign_in(doctor: Doctor, house: Path, vault: Vault) -> None:
    official(house, alpha="https://x.example/v1")
    for arguments in (("doctor",), ("accounts",)):
        said = doctor(*arguments).stdout
        assert "sessions add alpha k --api-key-stdin" in said
        assert f"--config {house}/config.yaml" in said
        assert "login" not in said
        assert said.count("sessions add") == 1, "one advice"


def test_a_session_that_has_ended_is_not_called_well(doctor: Doctor, vault: Vault, sites: SandboxThread) -> None:
    ended = jwt({"id": "somebody", "email": "a@example.com", "exp": int(time.time()) - 86_400 * 9})
    vault.put("zai", "one", {"token": ended})
    told = doctor("accounts").stdout.splitlines()[0]
    assert told.split()[:3] == ["zai/one", "ended", "since"]
    assert "(9 days ago)" in told
    assert "tries to renew it" in told
    assert "zai/one is ended" in doctor("doctor").stdout


@pytest.mark.parametrize(
    ("installed", "status"), [("46.0.7", "warning"), ("50.0.1", "ok"), ("50.0.10", "ok"), ("51", "ok"), (None, "ok")]
)
def test_packages_older_than_the_lock_file(tmp_path: Path, installed: str | None, status: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a-package==1.0 \\\n    --hash=sha256:00\ncryptography==50.0.1 ; python_version > '3'\n# b==9\n")
    versions = {"a-package": "1.0", "cryptography": installed}
    (finding,) = check_packages(lock, versions.get)
    assert finding.status == status
    if status == "warning":
        assert "cryptography 46.0.7 (locked: 50.0.1)" in finding.message
        assert f"-r {lock}" in finding.fix
    assert list(check_packages(tmp_path / "none", versions.get)) == []


def test_a_disabled_provider_is_said_to_be_one(doctor: Doctor, house: Path) -> None:
    official(house, alpha="https://x.example/v1", beta="https://y.example/v1")
    text = (house / "config.yaml").read_text().replace("  beta: {", "  beta: {enabled: false, ")
    (house / "config.yaml").write_text(text)
    result = doctor("sessions", "add", "beta", "k", "--api-key-stdin")
    assert (result.exit_code, "'beta' is disabled" in result.stderr) == (1, True)


def test_what_is_missing_is_told_once(doctor: Doctor, vault: Vault, sites: SandboxThread) -> None:
    vault.put("zai", "one", sites.site("zai").session())
    online = doctor("doctor", "--online")
    assert online.stdout.count("zai/two is missing") == 1
    assert online.stdout.count("the vault has no session for zai/two") == 1
    assert online.stdout.endswith("A request can succeed, but not with zai/two.\n")


def test_who_needs_no_key_is_not_said_to_have_one(doctor: Doctor, house: Path) -> None:
    official(house, alpha="http://127.0.0.1:9/v1")
    file = house / "config.yaml"
    file.write_text(file.read_text().replace("{name: k}", "{name: k, session: none}"))
    said = doctor("doctor").stdout
    assert "alpha/k needs no key (session: none)" in said
    assert "has a key" not in said


def test_the_certificate_of_the_listener(tmp_path: Path) -> None:
    lone = Issued("lone", hosts=["gw.lan"])
    cert, key = write_pair(tmp_path, lone)
    config = strong(tmp_path, f"listen: {{tls: {{cert: {cert}, key: {key}}}}}\n")
    assert [found.message for found in check_tls(config, NOW)] == [
        "the gateway speaks https; its certificate is for gw.lan"
    ]
    assert [found.status for found in check_tls(config, NOW + 80 * DAY)] == ["ok", "warning"]
    assert [found.status for found in check_tls(config, NOW + 99 * DAY)] == ["error"]
    assert list(check_tls(strong(tmp_path), NOW)) == []


def test_a_configured_key_that_has_expired_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    token = "{name: ada, key: sk-glassgate-Zk3vX9qLw7TnB2, expires: 2027-03-31}"
    file.write_text(f"auth: {{tokens: [{token}]}}\nproviders: {{zai: {{type: zai, accounts: [main]}}}}\n")
    config = load_config(file, {})
    end = config.keys[0].limits.expires or 0
    assert [finding.status for finding in check_keys(config, end - 1)] == ["ok"]
    assert [finding.message for finding in check_keys(config, end)] == [
        "client key ada (auth.tokens[0]) has expired (2027-03-31 00:00 UTC)"
    ]
