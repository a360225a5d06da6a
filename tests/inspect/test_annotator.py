"""What is noted at a request's end, also where the end cannot be shown whole."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import Known
from addons.exchange.outcome import Outcome
from addons.inspect.annotation import annotation_of
from addons.inspect.annotator import Annotator

SECRET = "ak_9fPq2LzR7tXw4mVbN8sKd3"


async def shows(flow: http.HTTPFlow) -> None: ...


def test_a_request_whose_texts_cannot_be_cleaned_has_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> Any:
        raise ValueError("cannot be cleaned")

    flow = tflow.tflow(req=http.Request.make("POST", "http://gateway/v1/chat/completions", f"is it {SECRET}?"))
    cleaner = Cleaner.knowing([Known(SECRET, "token", "p", "a")])
    exchange: Any = SimpleNamespace(
        id="req_24a1d4aa",
        attempt_loop=None,
        dialect=SimpleNamespace(name="chat"),
        error=None,
        client_request=f"is it {SECRET}?",
        context=SimpleNamespace(cleaner=cleaner, limits=SimpleNamespace(max_attempts=3, record_bytes=1000)),
    )
    line = Outcome("req_24a1d4aa", "key", "/v1/chat/completions", 404, model=SECRET, outcome="refused")
    writes = Annotator(shows, lambda: True, lambda kept: None, places=Any)  # type: ignore[arg-type]
    monkeypatch.setattr("addons.inspect.kept._clean", fails)
    with pytest.raises(ValueError, match="cannot be cleaned"):
        asyncio.run(writes.conclude(flow, exchange, line))
    note = annotation_of(flow)
    assert note
    assert note.outcome == "refused"
    assert "refused" in flow.comment
    assert SECRET not in f"{note}{flow.comment}"
    assert flow.request.raw_content is None
