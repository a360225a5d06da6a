import io
import json
import logging
from collections.abc import Iterator

import pytest

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import Known
from addons.cleaning.log_records import clean_records
from addons.core.logs import RequestLog, setup_logging

LINE = RequestLog("req_1", "key-1", "", 200, "GLM-4.6", "zai", "main", 2, 120, 900, 10, 20)


@pytest.fixture
def out(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    cleaner = Cleaner.knowing([Known("the-secret-value", "token", "p", "a"), Known("x", "cookie:c", "p", "a")])
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
    LINE.emit()
    assert out.getvalue().endswith(
        "req_1 key-1 GLM-4.6 -> zai/main 200 ok attempts=2 first=120ms total=900ms tokens=10+20\n"
    )


@pytest.mark.parametrize("out", ["json"], indirect=True)
def test_json_form_has_every_field(out: io.StringIO) -> None:
    LINE.emit()
    found = json.loads(out.getvalue())
    assert (found["id"], found["provider"], found["first_token_ms"], found["outcome"]) == ("req_1", "zai", 120, "ok")


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
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("glassgate.x").exception("it failed")
    assert HIDDEN in out.getvalue()
    assert "the-secret-value" not in out.getvalue()
    assert "the-other-token" not in out.getvalue()
