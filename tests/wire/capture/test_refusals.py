"""What goes wrong in a capture: one clear line, the vault as it was."""

import socket
from pathlib import Path

import pytest

from tests.support.capturing import (
    CaptureRun,
    TlsSites,
)


def test_a_guest_is_not_stored(run: CaptureRun, sites: TlsSites) -> None:
    run.by_hand("zai", "--timeout-s", "2")
    with run.person() as client:
        guest = client.get(f"{sites.url('zai')}/api/v1/auths/").json()["token"]
        client.get(f"{sites.url('zai')}/api/v1/auths/", headers={"authorization": f"Bearer {guest}"})
    assert run.end() == 1
    assert "no sign-in to zai/demo was seen" in run.said
    assert not run.vault_path.exists()


def test_ctrl_c_leaves_the_vault_as_it_was(run: CaptureRun) -> None:
    run.new_vault()
    before = run.vault_path.read_bytes()
    run.by_hand("zai")
    run.interrupt()
    assert run.end() == 130
    assert "the vault is as it was" in run.said
    assert run.vault_path.read_bytes() == before


def one_line(run: CaptureRun, *arguments: str) -> str:
    """What it says when it refuses at once."""
    assert run.start(*arguments, "--no-browser").end() == 1
    assert run.stdout == ""
    assert run.said.count("\n") == 1, run.said
    return run.said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("zia",), "Did you mean 'zai'?", id="provider unknown"),
        pytest.param(("zai", "nobody"), "no account 'nobody'", id="account unknown"),
        pytest.param(("official",), "sessions add official demo --api-key-stdin", id="official API"),
    ],
)
def test_a_wrong_name_is_refused_in_one_line(
    folder: Path, sites: TlsSites, arguments: tuple[str, ...], expected: str
) -> None:
    official = {"type": "openai_compatible", "base_url": "https://api.example.com/v1", "models": ["m"]}
    entries = {**sites.entries(), "official": {**official, "accounts": [{"name": "demo"}]}}
    with CaptureRun(folder, entries) as run:
        assert expected in one_line(run, *arguments)


def test_without_a_vault_key_it_does_not_start(run: CaptureRun) -> None:
    run.environ["SESSION_ENCRYPTION_KEY"] = ""
    assert "keygen` makes a key" in one_line(run, "zai")


def test_a_wrong_vault_key_shows_at_the_start(run: CaptureRun) -> None:
    run.new_vault()
    run.environ["SESSION_ENCRYPTION_KEY"] = "another passphrase entirely"
    assert "key" in one_line(run, "zai")


def test_a_port_in_use_is_named(run: CaptureRun) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} cannot be listened on" in one_line(run, "zai", "--port", port)


def test_a_ca_folder_that_cannot_be_made_is_named(run: CaptureRun) -> None:
    (run.folder / "data").write_text("a file in the way")
    assert "CA cannot be kept in" in one_line(run, "zai")


def test_a_ca_that_is_damaged_is_named(run: CaptureRun) -> None:
    run.own_ca.parent.mkdir(parents=True, mode=0o700)
    (run.own_ca.parent / "mitmproxy-ca.pem").touch(0o600)
    assert "remove the folder" in one_line(run, "zai")
