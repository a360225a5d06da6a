"""Finding a browser, and the command lines and profiles it is given."""

import json
from pathlib import Path

import pytest

from addons.capturing.browser import (
    Browser,
    BrowserSetup,
    Program,
    chromium_command,
    find_browser,
    firefox_preferences,
    own_environment,
)
from addons.cli.base import Problem

WISH = BrowserSetup("https://chat.example/", 4711, Path("ca.pem"), "aGFzaA==")


def installed(*names: str) -> dict[str, str]:
    return {name: f"/usr/bin/{Path(name).name}" for name in names}


@pytest.mark.parametrize(
    ("environ", "found", "expected"),
    [
        pytest.param({}, installed("chromium", "google-chrome"), Program("/usr/bin/chromium", "chromium"), id="first"),
        pytest.param({}, installed("brave-browser"), Program("/usr/bin/brave-browser", "chromium"), id="brave"),
        pytest.param({}, installed("firefox"), None, id="firefox without certutil"),
        pytest.param({}, installed("firefox", "certutil"), Program("/usr/bin/firefox", "firefox"), id="firefox"),
        pytest.param({}, {}, None, id="none"),
        pytest.param(
            {"GLASSGATE_BROWSER": "firefox-esr"},
            installed("firefox-esr", "chromium"),
            Program("/usr/bin/firefox-esr", "firefox"),
            id="chosen",
        ),
    ],
)
def test_the_browser_is_found(environ: dict[str, str], found: dict[str, str], expected: Program | None) -> None:
    assert find_browser(environ, lambda name: found.get(name)) == expected


def test_a_chosen_browser_that_is_not_there_is_named() -> None:
    with pytest.raises(Problem, match="/no/such"):
        find_browser({"GLASSGATE_BROWSER": "/no/such"}, lambda name: None)


def test_chromium_uses_the_proxy_and_trusts_one_key_in_a_profile_of_its_own() -> None:
    command = chromium_command("/usr/bin/chromium", Path("/p"), WISH, root=False)
    assert "--user-data-dir=/p" in command
    assert "--proxy-server=http://127.0.0.1:4711" in command
    assert "--ignore-certificate-errors-spki-list=aGFzaA==" in command
    assert command[-1] == WISH.page
    assert not {"--ignore-certificate-errors", "--no-sandbox", "--proxy-bypass-list=<-loopback>"} & set(command)


@pytest.mark.parametrize(
    ("setup", "root", "flag"),
    [
        pytest.param(WISH, True, "--no-sandbox", id="root"),
        pytest.param(
            BrowserSetup("https://127.0.0.1:9/", 1, Path("ca"), "h"),
            False,
            "--proxy-bypass-list=<-loopback>",
            id="loopback",
        ),
        pytest.param(
            BrowserSetup("https://chat.example/", 1, Path("ca"), "h", True), False, "--headless=new", id="headless"
        ),
    ],
)
def test_chromium_gets_what_the_case_asks_for(setup: BrowserSetup, root: bool, flag: str) -> None:
    assert flag in chromium_command("chromium", Path("/p"), setup, root=root)


def test_every_firefox_preference_is_a_line_of_javascript() -> None:
    lines = firefox_preferences(WISH).splitlines()
    assert 'user_pref("network.proxy.ssl_port", 4711);' in lines
    for line in lines:
        json.loads(f"[{line.removeprefix('user_pref(').removesuffix(');')}]")


def test_the_browser_gets_no_key_from_our_environment() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "SESSION_ENCRYPTION_KEY": "k", "AUTH_TOKEN": "t", "ZAI_TOKEN": "z"}
    assert own_environment(environ) == {"PATH": "/bin", "LC_ALL": "C"}


@pytest.mark.processes
def test_a_browser_that_cannot_be_started_leaves_no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Problem, match="could not be started"):
        Browser(Program("/no/such", "chromium"), WISH, {})
    assert list(tmp_path.iterdir()) == []
