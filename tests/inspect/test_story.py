"""The line of the flow list: what happened, at a glance."""

import pytest

from addons.inspect.note import Note
from addons.inspect.story import told

ASKED = Note("req_1", provider="zai", account="main", model="GLM-4.6", attempt=1, most=3, outcome="ok")


@pytest.mark.parametrize(
    ("note", "line"),
    [
        pytest.param(ASKED, "GLM-4.6 → zai/main ok req_1", id="answered"),
        pytest.param(
            Note(
                "req_1",
                provider="zai",
                account="main",
                model="GLM-4.6",
                attempt=2,
                most=3,
                outcome="ok",
                first_token_ms=200,
                total_ms=1200,
                completion_tokens=80,
            ),
            "GLM-4.6 → zai/main ok attempt 2 of 3 first 200 ms 80 tok/s req_1",
            id="the second, with figures",
        ),
        pytest.param(
            Note(
                "req_1",
                provider="zai",
                account="a",
                model="m",
                attempt=1,
                most=3,
                outcome="failed",
                error="zai closed the connection.",
            ),
            "⚠ m → zai/a failed attempt 1 of 3 zai closed the connection. req_1",
            id="failed",
        ),
        pytest.param(
            Note("req_1", provider="zai", account="a", model="m", attempt=1, outcome="failed", followed=True),
            "↪ m → zai/a failed attempt 1 req_1",
            id="another followed",
        ),
        pytest.param(
            Note("-", part="step", provider="zai", account="a", call="GET /models", outcome="ok"),
            "⚙ preparing zai/a: GET /models",
            id="for nobody's request",
        ),
        pytest.param(
            Note("req_1", part="step", provider="zai", account="a", call="POST /new", outcome="ok", total_ms=30),
            "⚙ preparing zai/a: POST /new 30 ms req_1",
            id="a preparing call",
        ),
        pytest.param(
            Note("req_1", part="local", call="GET /v1/models", outcome="ok"), "GET /v1/models ok req_1", id="local"
        ),
        pytest.param(
            Note("req_1", part="local", call="POST /v1/chat/completions", model="x", outcome="refused", error="no"),
            "⚠ POST /v1/chat/completions x → nobody refused no req_1",
            id="refused",
        ),
    ],
)
def test_one_line(note: Note, line: str) -> None:
    assert told(note) == line
