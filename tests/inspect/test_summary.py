"""The line of the flow list: what happened or happens, at a glance."""

from dataclasses import replace

import pytest

from addons.inspect.annotation import Annotation
from addons.inspect.summary import marker, summary_line

ID = "req_24a1d4e0b7c94f5f9c7b"
ASKED = Annotation(ID, provider="zai", account="main", model="GLM-4.6", attempt=1, most=3, outcome="ok")
SAID = replace(ASKED, attempt=2, first_token_ms=200, total_ms=1200, completion_tokens=80, stream=True)
STEP = Annotation(ID, part="step", provider="zai", account="a", call="POST /new", outcome="ok", total_ms=30)
LOCAL = Annotation(ID, part="local", call="GET /v1/models", outcome="ok")
RUNS = replace(ASKED, outcome="running")


@pytest.mark.parametrize(
    ("annotation", "line"),
    [
        pytest.param(ASKED, "✓ req_24a1d4 ok          GLM-4.6 → zai/main", id="answered"),
        pytest.param(
            SAID, "✓ req_24a1d4 ok          GLM-4.6 → zai/main attempt 2 of 3 first 200 ms 80 tok/s", id="the second"
        ),
        pytest.param(
            replace(SAID, attempt=1, stream=False),
            "✓ req_24a1d4 ok          GLM-4.6 → zai/main 1200 ms 80 tokens",
            id="a whole answer has no speed",
        ),
        pytest.param(
            replace(SAID, attempt=1, cost="0.018216"),
            "✓ req_24a1d4 ok          GLM-4.6 → zai/main first 200 ms 80 tok/s $0.0182",
            id="with its cost",
        ),
        pytest.param(
            replace(SAID, attempt=1, held_ms=150),
            "✓ req_24a1d4 ok          GLM-4.6 → zai/main first 200 ms (held 0.1 s by you) 80 tok/s",
            id="stopped by a person",
        ),
        pytest.param(
            replace(SAID, attempt=1, session="3fa2c1", retry=1),
            "✓ req_24a1d4 ok          GLM-4.6 → zai/main first 200 ms 80 tok/s session 3fa2c1 retry 1",
            id="of a session, and not the first try of it",
        ),
        pytest.param(
            replace(RUNS, session="3fa2c1", error="odd", retry=2),
            "▷ req_24a1d4 running     GLM-4.6 → zai/main session 3fa2c1 retry 2 odd",
            id="of a session, under way",
        ),
        pytest.param(replace(ASKED, retry=2), "✓ req_24a1d4 ok          GLM-4.6 → zai/main retry 2", id="a retry"),
        pytest.param(
            replace(SAID, attempt=4), "✓ req_24a1d4 ok          GLM-4.6 → zai/main attempt 4 first 200 ms 80 tok/s",
            id="of a fallback",
        ),
        pytest.param(
            replace(ASKED, outcome="failed", error="zai closed the connection."),
            "⚠ req_24a1d4 failed      GLM-4.6 → zai/main attempt 1 of 3 zai closed the connection.",
            id="failed",
        ),
        pytest.param(
            replace(ASKED, outcome="broken_off", error="zai closed the connection."),
            "⚠ req_24a1d4 broken_off  GLM-4.6 → zai/main zai closed the connection.",
            id="a stream that broke, under a status of 200",
        ),
        pytest.param(
            replace(ASKED, outcome="client_left"), "← req_24a1d4 client_left GLM-4.6 → zai/main", id="left alone"
        ),
        pytest.param(
            replace(ASKED, outcome="failed", followed=True, took_ms=31),
            "↪ req_24a1d4 failed      GLM-4.6 → zai/main attempt 1 of 3 after 31 ms",
            id="another followed",
        ),
        pytest.param(
            replace(STEP, request_id="-", total_ms=None),
            "⚙ -          preparing   zai/a: POST /new",
            id="for nobody's request",
        ),
        pytest.param(STEP, "⚙ req_24a1d4 preparing   zai/a: POST /new 30 ms", id="a preparing call"),
        pytest.param(LOCAL, "✓ req_24a1d4 ok          GET /v1/models", id="local"),
        pytest.param(
            replace(LOCAL, model="x", outcome="refused", error="no"),
            "⚠ req_24a1d4 refused     GET /v1/models x → nobody no",
            id="refused",
        ),
        pytest.param(
            Annotation(ID, call="POST /v1/chat/completions", outcome="running", doing="asked"),
            "▷ req_24a1d4 running     POST /v1/chat/completions asked",
            id="just come",
        ),
        pytest.param(
            Annotation(ID, model="GLM-4.6", outcome="running", doing="waiting for a turn"),
            "▷ req_24a1d4 running     GLM-4.6 waiting for a turn",
            id="in line",
        ),
        pytest.param(
            replace(RUNS, attempt=2, doing="waiting for the answer"),
            "▷ req_24a1d4 running     GLM-4.6 → zai/main attempt 2 of 3 waiting for the answer",
            id="the second runs",
        ),
        pytest.param(
            replace(RUNS, first_token_ms=210, stream=True, completion_tokens=5, total_ms=300, doing="34 events so far"),
            "▷ req_24a1d4 running     GLM-4.6 → zai/main first 210 ms 34 events so far",
            id="speaking",
        ),
    ],
)  # fmt: skip
def test_one_line(annotation: Annotation, line: str) -> None:
    assert summary_line(annotation) == line


def test_what_runs_is_not_marked() -> None:
    assert marker(RUNS) == ""


def test_the_words_of_others_make_no_line_of_their_own() -> None:
    annotation = Annotation(
        "req_24a1d4aa", model="m\n✓ req_000000 ok \x1b[2J\u202e", attempt=1, most=3, outcome="running"
    )
    assert summary_line(annotation).isprintable()
