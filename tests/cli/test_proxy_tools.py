import sys

import pytest
from argon2 import PasswordHasher

from addons.cli.proxy_tools import Tool, WebDoor, tool_command


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
