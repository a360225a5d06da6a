import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from addons.cli.proxy_tools import Tool, WebDoor, other_folder, tool_command


@pytest.mark.parametrize("tool", ["mitmdump", "mitmweb", "mitmproxy"])
def test_the_tool_is_started_by_this_interpreter_with_a_dead_target(tool: Tool) -> None:
    words = tool_command(tool, "my config.yaml", "::1", 8123, more=("--set", "a=b"))
    assert words[:3] == [sys.executable, "-P", "-c"]
    assert words[3] == f"from mitmproxy.tools.main import {tool}; {tool}()"
    assert ("--quiet" in words) == (tool != "mitmproxy")
    assert words[-8:] == [
        *("--listen-host", "::1", "--listen-port", "8123"),
        *("--set", "gateway_config=my config.yaml", "--set", "a=b"),
    ]
    assert words[words.index("--mode") + 1] == "reverse:http://127.0.0.1:1"


def test_the_command_line_has_the_hash_of_the_inspectors_password_alone() -> None:
    door = WebDoor.fresh(8081)
    words = tool_command("mitmweb", "config.yaml", "127.0.0.1", 8080, door)
    assert door.password not in " ".join(words) + repr(door)
    assert door.link == f"http://127.0.0.1:8081/?token={door.password}"
    (hashed,) = (word.removeprefix("web_password=") for word in words if word.startswith("web_password="))
    assert PasswordHasher().verify(hashed, door.password)
    assert WebDoor.fresh(8081).password != door.password


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A path below which nothing can be made, whoever one is."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / ".mitmproxy"


def test_where_mitmproxy_cannot_have_its_folder_it_is_given_another(tmp_path: Path, full: Path) -> None:
    """A service's user often has a home that is not there; mitmproxy ended with a traceback."""
    assert other_folder((), tmp_path / "s", full) == ("--set", f"confdir={tmp_path}/s/mitmproxy")
    assert (tmp_path / "s" / "mitmproxy").stat().st_mode & 0o077 == 0
    assert other_folder((), tmp_path / "s", tmp_path / "home" / ".mitmproxy") == ()


@pytest.mark.parametrize("words", [("--set", "confdir=/x"), ("--confdir", "/x"), ("--set=confdir=/x",)])
def test_a_folder_that_the_person_names_is_that(tmp_path: Path, full: Path, words: tuple[str, ...]) -> None:
    assert other_folder(words, tmp_path, full) == ()


def test_certificates_that_are_there_need_no_more_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mitmproxy-ca.pem").touch()
    monkeypatch.setattr("addons.cli.proxy_tools._try_writing", lambda folder: pytest.fail("it was written to"))
    assert other_folder((), tmp_path, tmp_path) == ()


def test_nowhere_is_an_error(full: Path) -> None:
    with pytest.raises(OSError, match="Not a directory"):
        other_folder((), full, full)
