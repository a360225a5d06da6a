"""The vault's file changes under a running gateway: what is bad is not taken, what was known keeps serving."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.support.ports import free_port
from tests.support.processes import Gateway, SandboxThread
from tests.vault.support import edited

MODEL = "sandbox-small"


@pytest.fixture(scope="module")
def gateway(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("reload")
    folder.chmod(0o700)
    with Gateway(folder, sites.description(), hurried=True) as running:
        yield running


def chat(gateway: Gateway) -> int:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", headers=gateway.headers, json=body, timeout=60).status_code


def health(gateway: Gateway, *, with_key: bool = True) -> dict[str, object]:
    answer = httpx.get(f"{gateway.url}/healthz", headers=gateway.headers if with_key else {})
    assert answer.status_code == 200
    told: dict[str, object] = answer.json()
    return told


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
    gateway: Gateway, spoil: Callable[[Path, bytes], None], words: str
) -> None:
    """Attack 18."""
    good = gateway.vault_path.read_bytes()
    assert (chat(gateway), health(gateway)["status"]) == (200, "ok")
    spoil(gateway.vault_path, good)
    try:
        assert chat(gateway) == 200
        told = health(gateway)
        assert told["status"] == "degraded"
        assert words in str(told["problem"])
        assert health(gateway, with_key=False) == {"status": "degraded"}
    finally:
        gateway.vault_path.unlink(missing_ok=True)
        gateway.vault_path.touch(0o600)
        gateway.vault_path.write_bytes(good)
    assert (chat(gateway), health(gateway)["status"]) == (200, "ok")
    assert "problem" not in health(gateway)


def test_an_older_copy_is_not_taken_by_a_running_gateway_nor_by_the_next(gateway: Gateway) -> None:
    """Attack 6."""
    good = gateway.vault_path.read_bytes()
    material = gateway.vault.records()["official", "demo"].material
    gateway.vault.put("official", "demo", {**material, "note": "newer"})
    newer = gateway.vault_path.read_bytes()
    assert health(gateway)["status"] == "ok"
    gateway.vault_path.write_bytes(good)
    told = health(gateway)
    assert (told["status"], chat(gateway)) == ("degraded", 200)
    assert "--accept-rollback" in str(told["problem"])
    command = [word.replace(str(gateway.port), str(free_port())) for word in gateway.command()]
    done = subprocess.run(command, env=gateway.environ(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "--accept-rollback" in done.stdout + done.stderr
    gateway.vault_path.write_bytes(newer)
    assert health(gateway)["status"] == "ok"


def test_a_vault_that_is_not_there_is_told_at_the_start_and_later(sites: SandboxThread, folder: Path) -> None:
    """Attack 18: also one that appeared after the start and was lost again."""
    late = Gateway(folder, sites.description())
    good = late.vault_path.read_bytes()
    late.vault_path.unlink()
    with late:
        told = health(late)
        assert told["status"] == "degraded"
        assert f"no vault at {late.vault_path}" in str(told["problem"])
        assert late.log.count(f"WARNING there is no vault at {late.vault_path}") == 1
        assert "sessions known so far" not in late.log
        assert chat(late) == 502
        doctor = subprocess.run(
            [str(Path(sys.executable).with_name("glassgate")), "--config", str(late.config_file), "doctor"],
            env=late.environ(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert f"warning  vault: there is no vault at {late.vault_path}" in doctor.stdout
        late.vault_path.touch(0o600)
        late.vault_path.write_bytes(good)
        assert (chat(late), health(late)["status"]) == (200, "ok")
        late.vault_path.unlink()
        assert (chat(late), health(late)["status"]) == (200, "degraded")


def test_an_accepted_older_copy_ends_the_trouble(gateway: Gateway) -> None:
    good = gateway.vault_path.read_bytes()
    gateway.vault.put("official", "demo", dict(gateway.vault.records()["official", "demo"].material))
    assert health(gateway)["status"] == "ok"
    gateway.vault_path.write_bytes(good)
    assert health(gateway)["status"] == "degraded"
    command = [str(Path(sys.executable).with_name("glassgate")), "--config", str(gateway.config_file)]
    command += ["vault", "check", "--accept-rollback"]
    subprocess.run(command, env=gateway.environ(), capture_output=True, timeout=60, check=True)
    assert health(gateway)["status"] == "ok"
    assert "problem" not in health(gateway)
