import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import KnownSecret
from addons.cleaning.log_records import clean_records
from addons.exchange.outcome import WHY_LIMIT, AttemptRecord, Outcome
from addons.exchange.request_log import RequestLog, setup_logging
from providers.contract.events import Usage

CHAT = Outcome("req_1", "ada", "/v1/chat/completions", 200, client="192.0.2.7", method="POST")
LINE = replace(
    CHAT,
    model="GLM-4.6",
    asked="glm-4.6 ",
    provider="zai",
    account="main",
    records=tuple(AttemptRecord("req_1", number, "GLM-4.6", "zai", "main") for number in (1, 2)),
    first_token_ms=120,
    total_ms=900,
    usage=Usage(10, 20, 30),
    wait_ms=45,
)


def tell(outcome: Outcome) -> None:
    asyncio.run(RequestLog().ended(outcome))


EVIL = "zzz\x1b]0;TITLE\x07\r\nFORGED 00:00:00 INFO req_x\u202e\x9b"


@pytest.fixture
def out(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    cleaner = Cleaner.knowing(
        [KnownSecret("the-secret-value", "token", "p", "a"), KnownSecret("x", "cookie:c", "p", "a")]
    )
    end = clean_records(cleaner.log)
    handler = setup_logging("INFO", request.param)
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    yield stream
    logging.getLogger("glassgate").handlers.clear()
    end()


@pytest.mark.parametrize("out", ["text"], indirect=True)
def test_one_line_tells_the_request(out: io.StringIO) -> None:
    tell(LINE)
    assert out.getvalue().endswith(
        " INFO req_1 192.0.2.7 ada POST /v1/chat/completions GLM-4.6 -> zai/main 200 ok "
        "attempts=2 wait=45ms first=120ms total=900ms tokens=10+20\n"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(replace(LINE, asked="fast"), " fast -> GLM-4.6 -> zai/main 200 ok ", id="alias"),
        pytest.param(
            replace(CHAT, model="none", asked="none", status=404, outcome="refused", error_code="c", why="not here."),
            "/v1/chat/completions none -> - 404 refused total=0ms error=c why: not here.\n",
            id="unknown model",
        ),
        pytest.param(
            replace(CHAT, key="-", path="", status=401, outcome="refused", error_code="invalid_api_key"),
            "192.0.2.7 - POST - 401 refused total=0ms error=invalid_api_key\n",
            id="at the door",
        ),
        pytest.param(replace(CHAT, model="m", cache="hit"), " m -> - 200 ok cache=hit total=0ms\n", id="kept"),
    ],
)
@pytest.mark.parametrize("out", ["text"], indirect=True)
def test_what_the_line_says(out: io.StringIO, line: Outcome, expected: str) -> None:
    tell(line)
    assert expected in out.getvalue()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        pytest.param(LINE, "INFO", id="ok"),
        pytest.param(replace(LINE, outcome="broken_off"), "WARNING", id="broken off"),
        pytest.param(replace(LINE, status=502, outcome="failed"), "WARNING", id="failed"),
        pytest.param(replace(CHAT, status=401, outcome="refused"), "INFO", id="refused"),
        pytest.param(replace(LINE, status=499, outcome="client_left"), "INFO", id="left"),
        pytest.param(replace(CHAT, path="/healthz"), "", id="health"),
        pytest.param(replace(CHAT, path="/healthz/live"), "", id="liveness"),
        pytest.param(replace(CHAT, path="/metrics"), "", id="a scrape"),
        pytest.param(replace(CHAT, path="/metrics", status=403, outcome="refused"), "INFO", id="a scrape refused"),
        pytest.param(replace(CHAT, path="/healthz/ready", status=503), "", id="readiness"),
        pytest.param(replace(CHAT, path="/healthz", status=503), "", id="health while it drains"),
        pytest.param(replace(CHAT, path="/healthz", status=403, outcome="refused"), "INFO", id="health refused"),
    ],
)
@pytest.mark.parametrize("out", ["text"], indirect=True)
def test_levels(out: io.StringIO, line: Outcome, level: str) -> None:
    tell(line)
    assert out.getvalue()[9:].partition(" ")[0] == level


@pytest.mark.parametrize("out", ["text", "json"], indirect=True)
def test_words_of_others_make_no_lines_and_move_no_cursor(out: io.StringIO) -> None:
    tell(replace(LINE, key=EVIL, path=EVIL, model=EVIL, asked=f"{EVIL}!", method=EVIL, why=EVIL, client=EVIL))
    logging.getLogger("glassgate.x").warning("account %s is limited: %s", EVIL, EVIL)
    assert [line for line in out.getvalue().split("\n") if not line.isprintable()] == []
    assert out.getvalue().count("\n") == 2


@pytest.mark.parametrize("out", ["text"], indirect=True)
def test_what_has_lines_of_its_own_goes_on_indented(out: io.StringIO) -> None:
    logging.getLogger("glassgate.x").error("not taken up:\n%s", ValueError("one\ntwo\x1b"))
    try:
        raise ValueError(EVIL)
    except ValueError:
        logging.getLogger("glassgate.x").exception("it failed")
    lines = out.getvalue().split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert lines[1:3] == ["    one", "    two\\x1b"]
    assert not [line for line in lines if line.startswith("FORGED")]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[a/b] The API does not accept the key. Sign in again.", "[a/b] The API does not accept the key."),
        (
            "[a/b] cannot be reached ([Errno 111] 127.0.0.1:1). Try again",
            "[a/b] cannot be reached ([Errno 111] 127.0.0.1:1).",
        ),
        ("[a/b] No. Five a day, v. 1.2 allows no more", "[a/b] No. Five a day, v. 1.2 allows no more"),
        ("", ""),
    ],
)
def test_the_reason_is_one_sentence(said: str, told: str) -> None:
    assert replace(CHAT, why=said).why == told


def test_the_reason_is_bounded() -> None:
    assert len(replace(CHAT, why="x" * 10_000).why) == WHY_LIMIT


@pytest.mark.parametrize("out", ["json"], indirect=True)
def test_json_form_has_every_field(out: io.StringIO) -> None:
    tell(LINE)
    found = json.loads(out.getvalue())
    assert {name: found[name] for name in ("id", "key", "client", "method", "path", "status", "outcome")} == {
        "id": "req_1",
        "key": "ada",
        "client": "192.0.2.7",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "outcome": "ok",
    }
    assert (found["asked"], found["model"], found["provider"], found["account"]) == (
        "glm-4.6 ",
        "GLM-4.6",
        "zai",
        "main",
    )
    assert (found["attempts"], found["wait_ms"], found["first_token_ms"], found["total_ms"]) == (2, 45, 120, 900)
    assert (found["prompt_tokens"], found["completion_tokens"], found["error_code"], found["why"]) == (10, 20, None, "")


@pytest.mark.parametrize("out", ["text", "json"], indirect=True)
@pytest.mark.parametrize(
    "message",
    [
        "a the-secret-value in the middle",
        "Authorization: Bearer the-other-token",
        "GET /api?token=the-other-token&x=1",
        "cookie: a=the-other-token",
        "sent Bearer the-other-token to it",
    ],
)
def test_secrets_are_masked_wherever_they_stand(out: io.StringIO, message: str) -> None:
    logging.getLogger("glassgate.x").info("%s", message)
    tell(replace(LINE, why=message, path=message, asked=message))
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("glassgate.x").exception("it failed")
    assert HIDDEN in out.getvalue()
    assert "the-secret-value" not in out.getvalue()
    assert "the-other-token" not in out.getvalue()
