"""Faults of the gateway's own code and in what goes on beside the requests: told, and nothing else stops."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addons.app import reload
from addons.exchange.exchange import Exchange
from providers.openai.decoder import OpenAIDecoder
from tests.support.faulty import BEGUN, MODEL, ask, read, served
from tests.support.hostile import CHUNKED, END, TEXT, Hostile, chunk, framed, head, sends
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture
def sites() -> Iterator[Sites]:
    with Sites((), own={"hostile": Hostile()}) as running:
        yield running


@pytest.fixture
def site(sites: Sites) -> Hostile:
    found: Hostile = sites.site("hostile")
    return found


def health(gateway: Served) -> dict[str, Any]:
    found: dict[str, Any] = gateway.get("/healthz").json()
    return found


def takes_up_changes(gateway: Served) -> None:
    """A changed configuration is in force."""
    gateway.config["providers"]["hostile"]["models"] = [MODEL, "another"]
    gateway.write_config()
    gateway.pass_s(5)
    assert "another" in gateway.get("/v1/models?all=1").text


# -- the code of a request --------------------------------------------------------------------------------------------
async def fails(self: Exchange, flow: object) -> None:
    raise RuntimeError("a bug")


def test_a_hook_that_raises_is_a_500_and_nothing_is_sent(
    tmp_path: Path, sites: Sites, site: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exchange, "open", fails)
    with served(tmp_path, sites, **NO_REST) as gateway:
        before = len(site.requests)
        assert read(ask(gateway, "well")) == ("", "500 internal_error")
        assert len(site.requests) == before
        assert "a bug" in gateway.log


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param((head(CHUNKED), framed(chunk("raise"))), ("", "502 upstream_error"), id="at the first words"),
        pytest.param((BEGUN, framed(chunk("raise"))), ("Hello ", "upstream_error"), id="in the middle"),
    ],
)
def test_a_decoder_that_raises_ends_its_stream_only(
    tmp_path: Path,
    sites: Sites,
    site: Hostile,
    monkeypatch: pytest.MonkeyPatch,
    pieces: tuple[bytes, ...],
    expected: tuple[str, str],
) -> None:
    real = OpenAIDecoder.feed

    def fails(self: OpenAIDecoder, data: bytes) -> Any:
        if b"raise" in data:
            raise RuntimeError("a bug")
        return real(self, data)

    monkeypatch.setattr(OpenAIDecoder, "feed", fails)
    site.programs["bug"] = sends(*pieces, then="silence")
    with served(tmp_path, sites, **NO_REST) as gateway:
        assert read(ask(gateway, "bug")) == expected
        assert read(ask(gateway, "well")) == (TEXT, "done")
        assert "a bug" in gateway.log


# -- what goes on beside ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broken", "loop"),
    [
        pytest.param("addons.accounts.state_store.FileStateStore.unsaved", "records", id="states"),
        pytest.param("addons.recordings.drift.Drift.unsaved", "recording", id="unknown kinds"),
        pytest.param("addons.accounts.state_store.FileStateStore.resets", "sessions", id="resets"),
        pytest.param("addons.app.live_models.LiveModels.learn", "models", id="models"),
        pytest.param("addons.app.loop_watch.LoopWatch.step", "event loop watch", id="watch"),
    ],
)
def test_a_step_that_raises_is_told_and_nothing_else_stops(
    tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch, broken: str, loop: str
) -> None:
    module, kind, name = broken.rsplit(".", 2)

    def fails(*_: object) -> None:
        raise UnicodeEncodeError("utf-8", "x", 0, 1, "a bug")

    monkeypatch.setattr(getattr(importlib.import_module(module), kind), name, fails)
    with served(tmp_path, sites, **NO_REST) as gateway:
        gateway.pass_s(10)
        assert health(gateway)["status"] == "degraded"
        assert f"the background loop '{loop}' fails (UnicodeEncodeError)" in health(gateway)["problem"]
        takes_up_changes(gateway)
        assert read(ask(gateway, "well")) == (TEXT, "done")
        told = [line for line in gateway.log.splitlines() if f"the background loop '{loop}' failed" in line]
        assert len(told) == 1, "once, however often"
    assert not list(tmp_path.rglob("gateway.json")), "its end is an end all the same"


def test_a_fault_while_a_configuration_is_read_is_told(
    tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: Path) -> None:
        raise KeyError("a bug")

    with served(tmp_path, sites, **NO_REST) as gateway:
        monkeypatch.setattr(reload, "load_config", fails)
        gateway.config["models"] = {"aliases": {"x": "m"}}
        gateway.write_config()
        gateway.pass_s(5)
        assert health(gateway)["status"] == "degraded"
        assert "could not be taken up (KeyError)" in health(gateway)["problem"]
        assert read(ask(gateway, "well")) == (TEXT, "done")


# -- half a surrogate -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", ["401 No", "429 Slow"])
def test_in_a_providers_words_it_ends_nothing(tmp_path: Path, sites: Sites, site: Hostile, status: str) -> None:
    words = rb'{"error":{"message":"no \ud800 key \u001b]0;x\u0007"}}'
    site.programs["odd"] = sends(head(CHUNKED, status=status, kind="application/json") + framed(words) + END)
    with served(tmp_path, sites, retries={"enabled": False}) as gateway:
        assert read(ask(gateway, "odd"))[1][:3] in ("502", "429")
        gateway.pass_s(5)
        assert b"key" in gateway.vault.path.with_name("accounts.json").read_bytes()
        takes_up_changes(gateway)
        assert health(gateway)["status"] == "ok"


def test_among_unknown_fields_it_ends_nothing(tmp_path: Path, sites: Sites, site: Hostile) -> None:
    piece = rb'data: {"choices":[{"index":0,"delta":{"content":"a","k\ud800":"v"}}]}' + b"\n\n"
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    site.programs["field"] = sends(head(CHUNKED) + framed(piece + end) + END)
    record = {"enabled": True, "folder": str(tmp_path / "records")}
    with served(tmp_path, sites, record=record, **NO_REST) as gateway:
        assert read(ask(gateway, "field")) == ("a", "done")
        takes_up_changes(gateway)
        assert health(gateway)["status"] == "ok"
        (kept,) = (tmp_path / "records").iterdir()
        assert json.loads(kept.read_text())
