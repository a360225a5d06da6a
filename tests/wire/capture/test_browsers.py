"""The browser of a capture: a real one, one that does not open, one that is closed, none."""

import shutil

import pytest

from providers.sandbox.run import SITES
from providers.sandbox.sign_in_page import FORMS, sign_in_page
from tests.support.capturing import (
    CaptureRun,
    TlsSites,
    command_lines,
    kept,
    read_the_end,
    reads_sessions,
    sign_in,
    signs_in,
)
from tests.support.waiting import until


def fake_browser(run: CaptureRun, script: str) -> None:
    program = run.folder / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    run.environ["GLASSGATE_BROWSER"] = str(program)


def test_a_window_that_is_closed_ends_the_capture(run: CaptureRun) -> None:
    fake_browser(run, "exit 0")
    assert run.start("zai").end() == 1
    assert "the browser was closed" in run.said
    assert list(run.tmp.iterdir()) == []
    assert list(run.own_ca.parent.iterdir()) == [], "no browser trusts this CA any more, so its key goes too"


@signs_in
@pytest.mark.parametrize(
    "browser",
    [pytest.param("exit 1", id="does not open"), pytest.param(None, id="is not there")],
)
def test_without_a_browser_it_says_how_to_go_on_by_hand(run: CaptureRun, sites: TlsSites, browser: str | None) -> None:
    if browser is None:
        run.environ["GLASSGATE_BROWSER"] = "/nowhere/browser"
    else:
        fake_browser(run, browser)
    run.start("zai").until("set the HTTP and HTTPS proxy")
    assert f"127.0.0.1:{run.port}" in run.said
    assert str(run.own_ca) in run.said
    with run.person() as client:
        sign_in(client, sites)
        read_the_end(client, sites)
    assert run.end() == 0


def test_ctrl_c_ends_the_browser_and_removes_its_profile(run: CaptureRun) -> None:
    fake_browser(run, "while :; do sleep 1; done")
    run.start("zai").until("a browser window opens")
    profile = next(run.tmp.glob("glassgate-browser-*"))
    until(lambda: str(profile).encode() in command_lines())  # the window is told of before its program runs
    run.interrupt()
    assert run.end() == 130
    assert str(profile).encode() not in command_lines()
    assert list(run.tmp.iterdir()) == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed")
@pytest.mark.parametrize("name", [name for name in FORMS if name in SITES and reads_sessions(name)])
def test_a_real_browser_signs_in_and_is_gone_afterwards(run: CaptureRun, sites: TlsSites, name: str) -> None:
    site = sites.site(name)
    page = sign_in_page(name, email=site.email, password=site.password)
    site.pages |= {"/": page, "/auth": page}  # wherever the provider sends a person
    run.environ["GLASSGATE_BROWSER"] = "chromium"
    assert run.start(name, "--headless", "--timeout-s", "60").end() == 0, run.said
    token = kept(run, name).token
    assert token is not None
    assert token in site.tokens
    assert run.files_with(token) == []
    assert token not in run.stdout + run.said
    assert str(run.tmp).encode() not in command_lines()
    assert list(run.tmp.iterdir()) == []
    assert site.requests[-1].path != "/"  # the page after the sign-in was ours
