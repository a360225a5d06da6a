"""`glassgate login` against the stand-ins over real HTTP: signing in, proving, remembering, and every way it fails."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from addons.vault import prompt as terminal
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.sandbox.run import Sandbox
from providers.sandbox.server import Request, Wire
from tests.cli.conftest import KEY
from tests.cli.stored import stored
from tests.support.ports import free_port
from tests.support.processes import Gateway, SandboxThread

type Login = Callable[..., Result]


@pytest.fixture
def sites() -> Iterator[SandboxThread]:
    with SandboxThread(Sandbox(("zai", "k2think", "qwen", "longcat"))) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, sites: SandboxThread) -> Path:
    urls = sites.description()["base_urls"]
    lines = ["vault: {path: vault/v.json}", "providers:"]
    for name in ("zai", "k2think", "longcat"):
        lines.append(f"  {name}: {{type: {name}, base_url: '{urls[name]}', accounts: [{{name: me}}]}}")
    two = "[{name: me}, {name: other, credentials: {email: '${Q_MAIL:-x@y.z}', password: '${Q_WORD:-none}'}}]"
    lines.append(
        f"  qwen: {{type: qwen, base_url: '{urls['qwen']}', auth_url: '{urls['qwen-auth']}', accounts: {two}}}"
    )
    lines.append("  api: {type: openai_compatible, preset: openai, accounts: [{name: key}]}")
    (tmp_path / "config.yaml").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def login(house: Path) -> Login:
    def run(*arguments: str, given: str | None = None, **environ: str) -> Result:
        env = {"SESSION_ENCRYPTION_KEY": KEY, **environ}
        return CliRunner().invoke(main, ["--config", str(house / "config.yaml"), *arguments], env=env, input=given)

    return run


def credentials(house: Path, site: Any, form: str = "json", **wrong: str) -> str:
    email, password = wrong.get("email", site.email), wrong.get("password", site.password)
    texts = {
        "json": json.dumps({"email": email, "password": password}),
        "pairs": f"EMAIL={email}\nPASSWORD={password}\n",
        "lines": f"{email}\n{password}\n",
    }
    file = house / "credentials"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(texts[form])
    return str(file)


@pytest.mark.parametrize("form", ["json", "pairs", "lines"])
@pytest.mark.parametrize("remember", [True, False])
def test_k2think_signs_in(login: Login, house: Path, sites: SandboxThread, form: str, remember: bool) -> None:
    site = sites.site("k2think")
    flags = ("--remember",) if remember else ()
    result = login("login", "k2think", "--credentials-file", credentials(house, site, form), "--json", *flags)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["whose"], told["proven"], told["remembered"]) == (site.email, True, remember)
    kept = stored(house)["k2think", "me"]
    assert kept["token"] in site.tokens
    assert kept.get("password") == (site.password if remember else None)
    assert site.password not in result.output
    assert kept["token"] not in result.output


@pytest.mark.parametrize("newest", [True, False])
def test_qwen_signs_in_by_both_forms(login: Login, house: Path, sites: SandboxThread, newest: bool) -> None:
    people = sites.site("qwen").people
    people.newest = newest
    result = login("login", "qwen", "me", "--credentials-file", credentials(house, people))
    assert result.exit_code == 0, result.output
    assert f"signed in: qwen/me, {people.email}, until 20" in result.stdout
    kept = stored(house)["qwen", "me"]
    assert people.knows(kept["token"])
    assert ("refresh_token" in kept["cookies"]) is newest


def test_credentials_of_the_configuration(login: Login, house: Path, sites: SandboxThread) -> None:
    people = sites.site("qwen").people
    result = login("login", "qwen", "other", Q_MAIL=people.email, Q_WORD=people.password)
    assert result.exit_code == 0, result.output
    assert ("qwen", "other") in stored(house)


@pytest.mark.parametrize(
    ("name", "wrong"), [("k2think", {"password": "no"}), ("qwen", {"email": "nobody@example.com"})]
)
def test_a_wrong_password_is_said_and_nothing_stored(
    login: Login, house: Path, sites: SandboxThread, name: str, wrong: dict[str, str]
) -> None:
    result = login("login", name, "me", "--credentials-file", credentials(house, sites.site(name), **wrong))
    assert result.exit_code == 1
    assert "does not accept this e-mail and password" in result.stderr
    assert "Nothing was stored" in result.stderr
    assert stored(house) == {}


@pytest.mark.parametrize("call", ["_sign_in", "_who"])
def test_a_secret_that_a_site_says_back_is_not_printed(
    login: Login, house: Path, sites: SandboxThread, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, said = sites.site("k2think"), []

    async def says_back(request: Request, wire: Wire) -> None:
        words = site.password if call == "_sign_in" else request.headers["authorization"][-24:]
        said.append(words)
        await wire.respond(429 if call == "_sign_in" else 403, {"detail": f"The quota of {words} is used up."})

    monkeypatch.setattr(site, call, says_back)
    result = login("login", "k2think", "--credentials-file", credentials(house, site))
    assert result.exit_code == 1, result.output
    assert said
    assert "The quota of ~hidden~ is used up" in result.stderr
    assert said[0] not in result.output


def test_a_challenge_names_the_next_ways(login: Login, house: Path, sites: SandboxThread) -> None:
    people = sites.site("qwen").people
    people.challenge_sign_in = True
    result = login("login", "qwen", "me", "--credentials-file", credentials(house, people))
    assert result.exit_code == 1
    assert "./run_proxy.sh capture qwen me" in result.stderr
    assert "x5secdata" not in result.output
    assert stored(house) == {}


@pytest.mark.parametrize(
    ("name", "way"), [("zai", "capture zai me"), ("longcat", "capture longcat me"), ("api", "--api-key-stdin")]
)
def test_sites_that_let_no_program_in_say_so_at_once(login: Login, house: Path, name: str, way: str) -> None:
    result = login("login", name)
    assert result.exit_code == 1
    assert way in result.stderr
    assert stored(house) == {}


def test_a_token_can_be_pasted_there(
    login: Login, house: Path, sites: SandboxThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sites.site("zai").session()["token"]
    monkeypatch.setattr(terminal, "can_ask", lambda: True)
    monkeypatch.setattr(terminal, "ask_secret", lambda words: f"  {token}\n")
    result = login("login", "zai")
    assert result.exit_code == 0, result.output
    assert "person@example.com" in result.stdout
    assert stored(house)["zai", "me"]["token"] == token
    monkeypatch.setattr(terminal, "ask_secret", lambda words: "")
    assert login("login", "zai").exit_code == 1
    monkeypatch.setattr(terminal, "ask_secret", lambda words: "no token")
    refused = login("login", "zai")
    assert (refused.exit_code, "Nothing was stored" in refused.stderr) == (1, True)
    assert stored(house)["zai", "me"]["token"] == token


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("qwen",), "several accounts"),
        (("qwen", "meme"), "no account 'meme'"),
        (("nobody",), "no provider 'nobody'"),
        (("k2think",), "nobody can be asked here"),
        (("k2think", "--credentials-file", "/does/not/exist"), "no file"),
    ],
)
def test_wrong_usage_is_one_clear_line(login: Login, house: Path, arguments: tuple[str, ...], words: str) -> None:
    result = login("login", *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert words in result.stderr


@pytest.mark.parametrize(
    ("text", "mode", "words"), [("hello", 0o600, "no e-mail and password"), ("{}", 0o644, "chmod 600")]
)
def test_a_credentials_file_that_cannot_serve(login: Login, house: Path, text: str, mode: int, words: str) -> None:
    file = house / "c"
    file.write_text(text)
    file.chmod(mode)
    result = login("login", "k2think", "--credentials-file", str(file))
    assert (result.exit_code, words in result.stderr) == (1, True)


def test_a_site_out_of_reach(login: Login, house: Path, sites: SandboxThread) -> None:
    file = credentials(house, sites.site("k2think"))
    config = (house / "config.yaml").read_text()
    url = sites.description()["base_urls"]["k2think"]
    (house / "config.yaml").write_text(config.replace(url, f"http://127.0.0.1:{free_port()}"))
    result = login("login", "k2think", "--credentials-file", file)
    assert (result.exit_code, "cannot be reached at 127.0.0.1:" in result.stderr) == (1, True)


@pytest.mark.processes
def test_a_remembered_password_signs_in_again_by_itself(sites: SandboxThread, tmp_path: Path) -> None:
    site = sites.site("k2think")
    tmp_path.chmod(0o700)
    described = {key: {"k2think": value["k2think"]} for key, value in sites.description().items()}
    with Gateway(tmp_path, described) as gateway:
        material = {**described["sessions"]["k2think"], "email": site.email, "password": site.password}
        gateway.vault.put("k2think", "demo", material)
        site.tokens.clear()
        body = {"model": "MBZUAI-IFM/K2-Think", "messages": [{"role": "user", "content": "Hi"}]}
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=body, headers=gateway.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        record = gateway.vault.get("k2think", "demo")
        assert record
        assert record.material["token"] in site.tokens
        assert site.password not in gateway.log


def test_of_two_logins_at_once_the_later_stands_whole(
    login: Login, house: Path, sites: SandboxThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = sites.site("k2think")
    file = credentials(house, site)
    assert login("login", "k2think", "--credentials-file", file).exit_code == 0
    real = Vault.get
    raced: list[bool] = []

    def racing(vault: Vault, provider: str, account: str) -> Any:
        found = real(vault, provider, account)
        if not raced:  # another login comes in between reading and writing
            raced.append(True)
            Vault.open(vault.path, VaultKey.from_text(KEY)).put(provider, account, {"token": site.new_token()})
        return found

    monkeypatch.setattr(Vault, "get", racing)
    assert login("login", "k2think", "--credentials-file", file).exit_code == 0
    monkeypatch.undo()
    assert stored(house)["k2think", "me"]["token"] in site.tokens


def test_ctrl_c_in_the_middle_leaves_the_vault_as_it_was(
    login: Login, house: Path, sites: SandboxThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*a: Any, **k: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("addons.cli.login._put", interrupted)
    result = login("login", "k2think", "--credentials-file", credentials(house, sites.site("k2think")))
    assert result.exit_code != 0
    assert stored(house) == {}
    assert sites.site("k2think").password not in result.output


def test_a_full_disk_is_one_clear_line(
    login: Login, house: Path, sites: SandboxThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    real = os.write

    def full(descriptor: int, data: Any) -> int:
        if b"gateway-vault" in bytes(data[:4000]):
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    result = login("login", "k2think", "--credentials-file", credentials(house, sites.site("k2think")))
    monkeypatch.undo()
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
    assert "No space left" in result.stderr
    assert stored(house) == {}
