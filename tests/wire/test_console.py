"""mitmproxy's console over the gateway: the story in its list, and no log line over its screen."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.support.processes import SandboxThread
from tests.support.terminal import TerminalGateway
from tests.support.waiting import until

OFFICIAL, ZAI = "sandbox-large", "GLM-4.6"


@pytest.fixture(scope="module")
def console(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TerminalGateway]:
    folder = tmp_path_factory.mktemp("console")
    folder.chmod(0o700)
    gateway = TerminalGateway(folder, sites.description(), cooldown={"enabled": False})
    gateway.tool = "mitmproxy"
    with gateway:
        yield gateway


def asked(gateway: TerminalGateway, prompt: str, model: str = OFFICIAL) -> httpx.Response:
    fields = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers, timeout=30)


def painted(gateway: TerminalGateway, since: int = 0) -> str:
    """What was written to the screen, without colours and places."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x0e\x0f]", "", gateway.screen[since:])


def tells(gateway: TerminalGateway, since: int, *words: str) -> bool:
    """Whether a line of the list has all the words."""
    lines = re.split(r"\d\d:\d\d:\d\d ", painted(gateway, since))
    return any(all(word in line for word in words) for line in lines)


def test_the_list_tells_the_story(console: TerminalGateway) -> None:
    assert asked(console, "Hi").status_code == 200
    until(lambda: tells(console, 0, f"{OFFICIAL} → official/demo", "ok"))
    assert asked(console, "Hi\n!sandbox fault=captcha", ZAI).status_code == 502
    until(lambda: tells(console, 0, "⚙", "preparing", "zai/demo: POST /api/v1/chats/new"))
    until(lambda: tells(console, 0, "⚠", f"{ZAI} → zai/demo", "failed"))


def test_no_log_line_is_painted_over_the_screen(console: TerminalGateway) -> None:
    before = len(console.screen)
    assert asked(console, "quietly").status_code == 200
    assert asked(console, "Hi\n!sandbox fault=captcha", ZAI).status_code == 502
    until(lambda: tells(console, before, f"{ZAI} → zai/demo", "failed"))
    assert not re.search(r"\d\d:\d\d:\d\d (INFO|WARNING) ", painted(console))
    before = len(console.screen)
    console.type("E")  # mitmproxy's event log has them
    until(lambda: "total=" in painted(console, before))
    console.type("q")


def test_a_flows_own_page_begins_with_the_story(console: TerminalGateway) -> None:
    assert asked(console, "the page").status_code == 200
    console.type("G")
    before = len(console.screen)
    console.type("\r")
    until(lambda: "Flow Details" in painted(console, before))
    until(lambda: "→ official/demo" in painted(console, before))
    console.type("q")


def test_a_narrow_screen_has_the_story_too(console: TerminalGateway) -> None:
    before = len(console.screen)
    console.resize(30, 80)
    assert console.process
    console.process.send_signal(28)  # SIGWINCH: the terminal is not the test's own
    until(lambda: f"{OFFICIAL} → official/demo" in painted(console, before))
    console.resize(40, 120)
    console.process.send_signal(28)


def test_words_cut_into_frames_are_found(console: TerminalGateway) -> None:
    assert asked(console, "look for me", ZAI).status_code == 200
    assert asked(console, "not for me", ZAI).status_code == 200
    before = len(console.screen)
    console.type(":view.filter.set '~bs \"LOOK for me\"'\r")
    until(lambda: "[1/2]" in painted(console, before))  # with the call that made the chat: its name is the question
    console.type(":view.filter.set ''\r")
