"""The door is put before mitmweb, and really is there, or mitmweb does not start."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest
from mitmproxy.addonmanager import Loader
from mitmproxy.test import taddons
from tornado.web import Application

from addons.mitm import web_guard
from addons.mitm.web_door import WebDoor
from addons.mitm.web_guard import START_LOG, Unguarded, WebGuard, guard

SETTINGS: Any = {
    "cookie_secret": b"secret",
    "auth_cookie_name": lambda: "mitmproxy-auth-8081",
    "is_valid_password": lambda password: False,
}


def mitmweb(app: object = None, **settings: Any) -> Any:
    """A master as mitmweb's, with the application or the settings a test gives it."""
    made = Application(**{**SETTINGS, **settings}) if app is None else app
    auth = SimpleNamespace(is_valid_password=lambda password: password == "right")
    return SimpleNamespace(app=made, addons={"webauth": auth})


@pytest.mark.parametrize(
    "master",
    [
        SimpleNamespace(app=object(), addons={"webauth": object()}),
        SimpleNamespace(addons={"webauth": object()}),
        SimpleNamespace(app=Application(**SETTINGS), addons={}),
        mitmweb(cookie_secret="text"),
        mitmweb(cookie_secret=None),
        mitmweb(auth_cookie_name="mitmproxy-auth"),
        mitmweb(Application(cookie_secret=b"s", auth_cookie_name=str)),
    ],
)
def test_an_unknown_mitmweb_is_not_guarded_silently(master: Any) -> None:
    with pytest.raises(Unguarded, match="mitmweb"):
        guard(master, lambda: "127.0.0.1")


def test_every_request_passes_by_the_door_and_the_slow_check_is_asked_by_it_alone() -> None:
    master = mitmweb()
    door = guard(master, lambda: "127.0.0.1")
    assert master.app.start_request == door.start_request
    assert master.app.settings["is_valid_password"] == door.passwords.known
    assert door.enter.__self__ is master.app  # type: ignore[attr-defined]
    assert not door.ready
    assert door.signed_in.name() == "mitmproxy-auth-8081"
    assert asyncio.run(door.passwords.proves("right"))
    assert master.app.settings["is_valid_password"]("right")
    assert master.app.settings["log_function"](object()) is None


def test_a_second_time_the_door_stands_before_mitmweb_and_not_before_the_first() -> None:
    master = mitmweb()
    first = guard(master, lambda: "")
    second = guard(master, lambda: "")
    assert second.enter != first.start_request
    assert master.app.start_request == second.start_request


def test_the_missing_icon_of_the_password_page_writes_no_line(caplog: pytest.LogCaptureFixture) -> None:
    guard(mitmweb(), lambda: "")
    logger = logging.getLogger("tornado.general")
    logger.error("Could not open static file %r", "favicon.ico")
    logger.error("another")
    assert [record.getMessage() for record in caplog.records if record.name == logger.name] == ["another"]


def guarded(answer: bytes | Exception, *, stranger: bool = True) -> tuple[WebGuard, list[object]]:
    """The addon once it runs, where a knock is answered so; and what it did to end mitmproxy."""
    ended: list[object] = []
    master = mitmweb()
    it = WebGuard()
    it._door = door = guard(master, lambda: "127.0.0.1")

    async def knock(host: str, port: int) -> bytes:
        assert (host, port) == ("127.0.0.1", 8081)
        door.strangers += stranger
        if isinstance(answer, Exception):
            raise answer
        return answer

    options = SimpleNamespace(web_host="127.0.0.1", web_port=8081)
    stop = SimpleNamespace(shutdown=lambda: ended.append("shutdown"))
    context = SimpleNamespace(options=options, master=stop)
    with patch.object(web_guard, "_probe", knock), patch.object(web_guard, "ctx", context):
        asyncio.run(it.running())
    return it, ended


def door_of(it: WebGuard) -> WebDoor:
    assert it._door is not None
    return it._door


def test_nobody_is_let_in_before_a_stranger_was_turned_away() -> None:
    it, ended = guarded(b"HTTP/1.1 403 Forbidden\r\n")
    assert (door_of(it).ready, ended) == (True, [])


@pytest.mark.parametrize(
    ("answer", "stranger", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n", True, "answers to a foreign Host header"),
        (b"HTTP/1.1 403 Forbidden\r\n", False, "answers to a foreign Host header"),
        (b"", True, "answers to a foreign Host header"),
        (OSError("refused"), True, "does not answer at 127.0.0.1:8081 (refused)"),
        (TimeoutError(), True, "does not answer at 127.0.0.1:8081 ("),
    ],
)
def test_one_that_is_not_guarded_does_not_start(
    caplog: pytest.LogCaptureFixture, answer: bytes | Exception, stranger: bool, words: str
) -> None:
    it, ended = guarded(answer, stranger=stranger)
    assert (door_of(it).ready, ended) == (False, ["shutdown"])
    [record] = [record for record in caplog.records if record.name == START_LOG.name]
    assert record.levelno == logging.ERROR
    assert words in record.getMessage()


def test_without_mitmweb_there_is_nothing_to_guard() -> None:
    it = WebGuard()
    with taddons.context() as context:
        it.load(cast(Loader, context))
        it.configure({"web_password"})
        asyncio.run(it.running())
    assert it._door is None


def test_another_password_is_asked_for_anew() -> None:
    it, _ = guarded(b"HTTP/1.1 403 Forbidden\r\n")
    passwords = door_of(it).passwords
    assert asyncio.run(passwords.proves("right"))
    it.configure({"web_host"})
    assert passwords.known("right")
    it.configure({"web_password"})
    assert not passwords.known("right")


class Options(SimpleNamespace):
    """mitmweb's options, as far as they are asked for."""

    def __contains__(self, name: str) -> bool:
        return hasattr(self, name)


def loaded(master: Any) -> WebGuard:
    it = WebGuard()
    master.shutdown = lambda: setattr(master, "ended", True)
    options = Options(web_host="127.0.0.1", web_port=8081)
    dressed: list[object] = []
    with (
        patch.object(web_guard, "ctx", SimpleNamespace(options=options, master=master)),
        patch("addons.mitm.web_look.serve_assets", dressed.append),
        patch("addons.mitm.web_views.read_in_threads", dressed.append),
    ):
        it.load(cast(Loader, None))
        if it._door is not None:
            assert it._door.web_host() == "127.0.0.1"
    master.dressed = dressed
    return it


def test_mitmweb_is_guarded_and_dressed_when_it_is_loaded() -> None:
    master = mitmweb()
    assert door_of(loaded(master)).start_request == master.app.start_request
    assert master.dressed == [master.app, master.app]
    assert not hasattr(master, "ended")


def test_one_that_is_made_otherwise_is_ended_when_it_is_loaded(caplog: pytest.LogCaptureFixture) -> None:
    master = mitmweb(object())
    assert loaded(master)._door is None
    assert (master.dressed, master.ended) == ([], True)
    assert "cannot be guarded" in caplog.text


@pytest.mark.parametrize(
    ("host", "to"), [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.5", "10.0.0.5")]
)
def test_a_knock_names_a_foreign_host_and_comes_over_loopback_where_it_can(host: str, to: str) -> None:
    sent, came = bytearray(), list[object]()

    async def connect(host: str, port: int) -> Any:
        came.append((host, port))
        reader = asyncio.StreamReader()
        reader.feed_data(b"HTTP/1.1 403 Forbidden\r\nX: y\r\n")
        return reader, SimpleNamespace(write=sent.extend, close=lambda: came.append("closed"))

    with patch("addons.mitm.web_guard.asyncio.open_connection", connect):
        assert asyncio.run(web_guard._probe(host, 8081)) == b"HTTP/1.1 403 Forbidden\r\n"
    assert came == [(to, 8081), "closed"]
    assert b"\r\nHost: stranger.invalid\r\n" in sent
