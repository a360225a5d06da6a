"""What is noted at a request's end, also where the end cannot be shown whole."""

import asyncio
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.exchange.context import Limits
from addons.exchange.outcome import Outcome
from addons.inspect.annotation import annotation_of
from addons.inspect.annotator import Annotator

SECRET = "ak_9fPq2LzR7tXw4mVbN8sKd3"


async def shows(flow: http.HTTPFlow) -> None: ...


def test_a_request_whose_texts_cannot_be_cleaned_has_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> Any:
        raise ValueError("cannot be cleaned")

    flow = tflow.tflow(req=http.Request.make("POST", "http://gateway/v1/chat/completions", f"is it {SECRET}?"))
    cleaner = Cleaner.knowing([KnownSecret(SECRET, "token", "p", "a")])
    ended = Outcome(
        "req_24a1d4aa",
        "key",
        "/v1/chat/completions",
        404,
        model=SECRET,
        outcome="refused",
        dialect="chat_completions",
        flow=flow,
        client_body=f"is it {SECRET}?".encode(),
    )
    places: Any = None
    writes = Annotator(shows, lambda: True, lambda kept: None, places, lambda: cleaner, Limits)
    monkeypatch.setattr("addons.inspect.kept._clean", fails)
    with pytest.raises(ValueError, match="cannot be cleaned"):
        asyncio.run(writes.ended(ended))
    annotation = annotation_of(flow)
    assert annotation
    assert annotation.outcome == "refused"
    assert "refused" in flow.comment
    assert SECRET not in f"{annotation}{flow.comment}"
    assert flow.request.raw_content is None
