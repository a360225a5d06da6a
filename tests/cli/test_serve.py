"""The gateway with and without an inspector: what the process becomes, and what is refused before."""

import sys
from typing import Any
from unittest.mock import patch

import pytest

from tests.cli.conftest import Run

KEY = "sk-glassgate-Zk3vX9qLw7TnB2"


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The command and the environment that the process becomes."""
    found: list[Any] = []
    monkeypatch.setenv("AUTH_TOKEN", KEY)
    monkeypatch.setenv("GLASSGATE_WEB_URL", "http://stale")
    monkeypatch.setattr("addons.cli.serve.os.execve", lambda program, words, environ: found.extend((words, environ)))
    monkeypatch.setattr("addons.cli.serve.os.execv", lambda program, words: found.append(words))
    monkeypatch.setattr("addons.cli.serve.port_problem", lambda *a: None)
    return found


@pytest.mark.parametrize(("command", "tool"), [("serve", "mitmdump"), ("web", "mitmweb")])
def test_the_process_becomes_the_tool(run: Run, became: list[Any], command: str, tool: str) -> None:
    result = run(command, "--port", "8123", "--", "--set", "a=b", "-v")
    assert result.exit_code == 0, result.output
    words, environ = became
    assert words[3].endswith(f"{tool}()")
    assert words[words.index("--listen-port") + 1] == "8123"
    assert words[words.index("--listen-host") + 1] == "127.0.0.1"
    assert words[-3:] == ["--set", "a=b", "-v"]
    if tool == "mitmweb":
        assert environ["GLASSGATE_WEB_URL"].startswith("http://127.0.0.1:8081/?token=")
    else:
        assert "GLASSGATE_WEB_URL" not in environ


@pytest.mark.parametrize("port", ["eighty", "0", "99999", "", "1234567890123456789012", "٣"])
def test_a_port_that_is_none_is_said(run: Run, became: list[Any], port: str) -> None:
    result = run("serve", "--port", port)
    assert (result.exit_code, became) == (2, [])
    assert "--port: a port is a number from 1 to 65535, such as 8080 (found " in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("console",), "needs a terminal"),
        (("demo", "--console"), "needs a terminal"),
        (("demo", "--web", "--console"), "choose one"),
        (("demo", "--host", "0.0.0.0"), "loopback only"),
        (("--config", "/nowhere.yaml", "serve"), "no such file"),
    ],
)
def test_what_cannot_be_served_is_said(run: Run, became: list[Any], words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert (result.exit_code, said in result.stderr, became) == (1, True, [])


def test_a_port_in_use_is_said_before_anything_is_started(run: Run, became: list[Any]) -> None:
    with patch("addons.cli.serve.port_problem", lambda host, port, *a: f"{port} is in use"):
        result = run("web")
    assert result.stderr == "glassgate: 8080 is in use\n8081 is in use\n"
    assert became == []


def test_the_demo_is_served_by_the_tool_that_is_asked_for(run: Run, became: list[Any]) -> None:
    served: list[Any] = []

    def serve_demo(host: str, port: int, door: Any, command: list[str]) -> int:
        served.append((host, port, door and door.port, command[3].split()[-1]))
        return 3

    with patch("addons.cli.demo.serve_demo", serve_demo):
        assert run("demo").exit_code == run("demo", "--web", "--port", "9", "--web-port", "7").exit_code == 3
    assert served == [("127.0.0.1", 8080, None, "mitmdump()"), ("127.0.0.1", 9, 7, "mitmweb()")]


def test_a_capture_is_a_program_of_its_own(run: Run, became: list[Any]) -> None:
    run("capture", "zai", "main", "--no-browser", "--timeout-s", "9")
    (words,) = became
    assert words[:2] == [sys.executable, "-P"]
    assert words[2].endswith("capturing/__main__.py")
    assert words[3] == "--config"
    assert words[5:] == ["zai", "main", "--no-browser", "--timeout-s", "9"]
