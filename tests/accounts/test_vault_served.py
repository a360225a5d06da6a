"""The vault's file changes under a running gateway: what is bad is not taken, what was known keeps serving."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.support.served import Served
from tests.support.sites import Sites
from tests.vault.support import edited

MODEL = "sandbox-small"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    """It heeds what was seen of its vault before."""
    with Sites(("openai",)) as sites, Served(tmp_path, sites, vault={"path": "s/vault.json"}) as running:
        yield running


def chat(gateway: Served) -> tuple[int, str | None]:
    answer = gateway.post({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]})
    return answer.status_code, None if answer.status_code == 200 else answer.json()["error"]["code"]


SERVED = (200, None)


def health(gateway: Served) -> tuple[str, str]:
    """Status and problem, which who shows no key is not told."""
    told = gateway.get("/healthz").json()
    assert gateway.request("GET", "/healthz").json() == {"status": told["status"]}
    return told["status"], told.get("problem", "")


def vault_of(gateway: Served) -> Path:
    return gateway.folder / "s" / "vault.json"


def put_back(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_bytes(data)


def put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def foreign(path: Path, data: bytes) -> None:
    path.unlink()
    Vault.create(path, VaultKey(raw=bytes(32)), sync=False)


BAD: dict[str, tuple[Callable[[Path, bytes], None], str]] = {
    "cut": (lambda path, data: put(path, data[:-30]), "damaged"),
    "empty": (lambda path, data: put(path, b""), "damaged"),
    "one bit": (lambda path, data: put(path, data.replace(b'"rev":1', b'"rev":3', 1)), "damaged"),
    "newer format": (lambda path, data: put(path, edited(path, lambda b: b.update(version=2))), "Update Glassgate"),
    "another key's": (foreign, "does not open"),
    "open to others": (lambda path, data: path.chmod(0o644), "chmod 600"),
    "gone": (lambda path, data: path.unlink(), "no vault"),
}


@pytest.mark.parametrize(("spoil", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_degrades_and_does_not_end_the_service(
    gateway: Served, spoil: Callable[[Path, bytes], None], words: str
) -> None:
    path = vault_of(gateway)
    good = path.read_bytes()
    assert (chat(gateway), health(gateway)) == (SERVED, ("ok", ""))
    spoil(path, good)
    assert chat(gateway) == SERVED
    status, problem = health(gateway)
    assert status == "degraded"
    assert words in problem
    assert "vault file has a problem" in gateway.log or "there is no vault" in gateway.log
    put_back(path, good)
    assert (chat(gateway), health(gateway)) == (SERVED, ("ok", ""))


def newer(gateway: Served) -> tuple[bytes, bytes]:
    """The vault's file as it was, and as somebody has it now."""
    before = vault_of(gateway).read_bytes()
    gateway.vault.put("official", "demo", {**gateway.vault.records()["official", "demo"].material, "note": "newer"})
    assert health(gateway) == ("ok", "")
    return before, vault_of(gateway).read_bytes()


def test_an_older_copy_is_not_taken_by_a_running_gateway_nor_by_the_next(gateway: Served) -> None:
    older, newest = newer(gateway)
    put(vault_of(gateway), older)
    status, problem = health(gateway)
    assert (status, chat(gateway)) == ("degraded", SERVED)
    assert "--accept-rollback" in problem
    gateway.__exit__()
    with gateway:
        assert gateway.house.gate.running_parts is None
        assert gateway.house.master.should_exit.is_set()
        assert "--accept-rollback" in gateway.log
    put(vault_of(gateway), newest)
    gateway.__enter__()
    assert health(gateway) == ("ok", "")


def test_an_accepted_older_copy_ends_the_trouble(gateway: Served) -> None:
    older, _ = newer(gateway)
    put(vault_of(gateway), older)
    assert health(gateway)[0] == "degraded"
    assert gateway.command("vault", "check", "--accept-rollback").exit_code == 0
    assert health(gateway) == ("ok", "")


def test_a_vault_that_is_not_there_is_told_at_the_start_and_later(tmp_path: Path) -> None:
    """Also one that appeared after the start and was lost again."""
    with Sites(("openai",)) as sites:
        late = Served(tmp_path, sites)
        path = vault_of(late)
        good = path.read_bytes()
        path.unlink()
        with late:
            status, problem = health(late)
            assert status == "degraded"
            assert f"no vault at {path}" in problem
            assert late.log.count(f"WARNING there is no vault at {path}") == 1
            assert "sessions known so far" not in late.log
            assert chat(late) == (502, "provider_auth")
            assert f"warning  vault: there is no vault at {path}" in late.command("doctor").stdout
            put_back(path, good)
            assert (chat(late), health(late)) == (SERVED, ("ok", ""))
            path.unlink()
            assert (chat(late), health(late)[0]) == (SERVED, "degraded")


def test_a_session_that_is_changed_taken_away_and_put_back_is_taken_up(gateway: Served) -> None:
    assert chat(gateway) == SERVED
    gateway.vault.put("official", "demo", {"api_key": "sk-not-the-right-one"})
    assert chat(gateway) == (502, "provider_auth")
    gateway.vault.remove("official", "demo")
    missing = gateway.post({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]})
    assert "sessions add official demo --api-key-stdin" in missing.json()["error"]["message"]
    assert MODEL not in {model["id"] for model in gateway.get("/v1/models").json()["data"]}
    assert MODEL in {model["id"] for model in gateway.get("/v1/models?all=true").json()["data"]}
    gateway.vault.put("official", "demo", gateway.sites.site("openai").session())
    assert chat(gateway) == SERVED
