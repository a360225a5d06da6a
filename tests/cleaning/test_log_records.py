"""Every logger's words are cleaned, for every handler, and the cleaning goes again."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from mitmproxy.log import MitmFormatter

from addons.cleaning.cleaner import HIDDEN, LOG_LIMIT, Cleaner
from addons.cleaning.index import KnownSecret
from addons.cleaning.log_records import Pieces, clean_records
from addons.exchange.request_log import JsonFormatter

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
CLEANER = Cleaner.knowing([KnownSecret(KEY, "api_key", "p", "a")])
FORMATTERS = [logging.Formatter("%(levelname)s %(message)s"), MitmFormatter(colorize=False), JsonFormatter()]


@pytest.fixture(params=FORMATTERS, ids=["ours", "mitmproxy's", "JSON"])
def out(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    end = clean_records(CLEANER.log)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param)
    logger = logging.getLogger("somebody.else")
    logger.addHandler(handler)
    logger.propagate = False
    yield stream
    logger.removeHandler(handler)
    end()


log = logging.getLogger("somebody.else")


def test_messages_arguments_and_tracebacks_are_cleaned(out: io.StringIO) -> None:
    log.error("Unexpected data from server: %r", f"EXTRA {KEY}".encode())
    log.error(KEY)
    log.error("%d words", KEY)  # wrong: logging itself would print it
    try:
        try:
            raise ValueError(f"inner {KEY}")
        except ValueError as e:
            raise RuntimeError(f"outer {KEY}") from e
    except RuntimeError:
        log.exception("it failed", stack_info=True)
    log.handle(log.makeRecord("n", logging.ERROR, "f", 1, "it", (), None, sinfo=f"Stack of {KEY}"))
    told = out.getvalue()
    assert KEY not in told
    assert told.count(HIDDEN) >= 6
    assert "RuntimeError: outer" in told


def test_a_clients_key_goes_from_what_mitmproxy_quotes(out: io.StringIO) -> None:
    head = b"GET / HTTP/1.1\r\nAuthorization: Bearer not-one-of-ours\r\nCookie: a=b-c-d"
    log.error("Client closed connection before completing request headers: %s", head)
    assert "not-one-of-ours" not in out.getvalue()
    assert "b-c-d" not in out.getvalue()


def test_one_record_is_one_line_and_its_own(out: io.StringIO) -> None:
    log.error("model %s", "x\x1b]0;title\x07\r\nFORGED 12:00 \u202eevil\u2066\x9b31m\u2028end")
    told = out.getvalue()
    assert not any(letter in told for letter in "\x1b\x07\r\u202e\u2066\x9b\u2028")
    assert not any(line.startswith("FORGED") for line in told.splitlines())
    text = json.loads(told)["message"] if told.startswith("{") else told
    assert "\\x1b]0;title\\x07\\x0d\n    FORGED" in text
    assert "\\u202e" in text


def test_a_message_is_bounded(out: io.StringIO) -> None:
    log.error("%s", "x" * (10 * LOG_LIMIT))
    assert len(out.getvalue()) < 2 * LOG_LIMIT


def test_a_record_that_somebody_rewrites_is_cleaned_again(out: io.StringIO) -> None:
    record = log.makeRecord("n", logging.ERROR, "f", 1, "first", (), None)
    assert record.getMessage() == "first"
    record.msg = f"second {KEY}"
    assert record.getMessage() == f"second {HIDDEN}"


def test_it_ends(out: io.StringIO) -> None:
    before = logging.getLogRecordFactory()
    end = clean_records(str)
    assert logging.getLogRecordFactory() is not before
    end()
    assert logging.getLogRecordFactory() is before
    end()
    assert logging.getLogRecordFactory() is before


def test_of_a_message_in_pieces_each_is_cleaned_but_those_that_are_ours(out: io.StringIO) -> None:
    log.error(Pieces(("req_1", f"said {KEY}", "total=1ms", f"and {KEY}"), frozenset({0, 2})))
    assert f"req_1 said {HIDDEN} total=1ms and {HIDDEN}" in out.getvalue()
    log.error(Pieces((KEY, "words"), frozenset({1})))
    assert KEY not in out.getvalue()
