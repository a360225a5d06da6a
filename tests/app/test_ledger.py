"""The ledger of a gateway that runs: what requests leave there, and what turning it on, off and ending it does."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from addons.app import ledger
from addons.inspect.annotation import annotation_of
from addons.usage.writer import LedgerWriter
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY
from tests.support.waiting import until

COLUMNS = "key, asked, model, provider, account, operation, prompt_tokens, completion_tokens, outcome, status, attempts"


@pytest.fixture
def sites() -> Iterator[Sites]:
    with Sites(("openai",)) as found:
        yield found


def gateway(folder: Path, sites: Sites, **sections: Any) -> Served:
    return Served(folder, sites, **{"usage": {}, "auth": {"tokens": [{"name": "ada", "key": KEY}]}} | sections)


HELLO = {"model": "sandbox-large", "messages": [{"role": "user", "content": "hi"}]}


def rows(folder: Path, what: str = COLUMNS) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "s" / "usage.db")) as connection:
        return connection.execute(f"SELECT {what} FROM glassgate_requests ORDER BY id").fetchall()


def test_each_request_leaves_a_row(tmp_path: Path, sites: Sites) -> None:
    with gateway(tmp_path, sites) as served:
        told = served.post(HELLO)
        assert told.status_code == 200, told.text
        assert served.post({**HELLO, "stream": True, "stream_options": {"include_usage": True}}).status_code == 200
        assert served.post({**HELLO, "stream": True}).status_code == 200
        assert served.post({**HELLO, "model": "nobody's"}).status_code == 404
        assert served.http().get("/v1/models").status_code == 200
        assert served.http(headers={}).post("/v1/chat/completions", json=HELLO).status_code == 401
    way = ("sandbox-large", "sandbox-large", "official", "demo", "chat_completions")
    assert rows(tmp_path) == [
        ("ada", *way, 11, 22, "ok", 200, 1),
        ("ada", *way, 11, 22, "ok", 200, 1),
        ("ada", *way, 1, 66, "ok", 200, 1),  # what the gateway counts where the API was not asked to
        ("ada", "nobody's", None, None, None, "chat_completions", 0, 0, "refused", 404, 0),
    ]


def test_prices_of_the_configuration_make_it_cost(tmp_path: Path, sites: Sites) -> None:
    prices = {"sandbox-large": {"input": 1_000_000, "output": 0, "cached_input": 0}}
    with gateway(tmp_path, sites, prices=prices) as served:
        served.post(HELLO)
        served.config["prices"] = {"sandbox-*": {"input": 0, "output": 1_000_000}}
        served.write_config()
        assert served.reload().done
        served.post(HELLO)
        flows = served.house.master.addons.get("view")
        noted = [found.cost for flow in flows if (found := annotation_of(flow)) and found.part == "attempt"]
    assert noted == ["8", "22"]
    assert rows(tmp_path, "cost_nano, cached_tokens") == [(8_000_000_000, 3), (22_000_000_000, 3)]


def test_it_goes_off_and_on_and_elsewhere_while_the_gateway_runs(tmp_path: Path, sites: Sites) -> None:
    with gateway(tmp_path, sites, usage={"enabled": False}) as served:
        served.post(HELLO)
        for settings in ({"enabled": True}, {"enabled": False}, {"enabled": True}):
            served.config["usage"] = settings
            served.write_config()
            served.reload()
            served.post(HELLO)
    assert len(rows(tmp_path)) == 2


def test_one_that_is_off_loads_no_database(tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("sqlalchemy", "alembic", "addons.usage.database"))]:
        monkeypatch.delitem(sys.modules, name)
    with gateway(tmp_path, sites, usage={"enabled": False}) as served:
        served.post(HELLO)
    assert not (tmp_path / "s" / "usage.db").exists()
    assert not any(name.startswith(("sqlalchemy", "alembic")) for name in sys.modules)


def test_old_rows_go(tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RETENTION_EVERY_S", 30.0)
    with gateway(tmp_path, sites, usage={"days": 0.001}) as served:
        served.post(HELLO)
        served.pass_s(100)
        served.post(HELLO)
        served.pass_s(40)
    assert len(rows(tmp_path)) == 1


def test_a_clock_that_jumps_at_the_boot_deletes_nothing(
    tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is years ahead, in this process and the one after, until somebody sets it right."""
    monkeypatch.setattr(ledger, "RETENTION_EVERY_S", 30.0)
    served = gateway(tmp_path, sites, usage={"days": 100})
    with served:
        served.post(HELLO)
    began, served._began = served._began, served._began + 30 * 366 * 86_400
    for _ in range(2):
        with served:
            served.post(HELLO)
            served.pass_s(100)
    assert len(rows(tmp_path)) == 3
    assert served.log.count("Until it has gone on for a day no old requests are deleted") == 2
    served._began = began
    with served:
        served.post(HELLO)
        served.pass_s(100)
    assert len(rows(tmp_path)) == 4


def test_a_gateway_that_nobody_asks_for_months_forgets_all_the_same(
    tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "RETENTION_EVERY_S", 30.0)
    served = gateway(tmp_path, sites, usage={"days": 0.001})  # else a day would have to pass
    with served:
        served.post(HELLO)
    served._began += 300 * 86_400
    with served:
        served.pass_s(50)
        assert len(rows(tmp_path)) == 1
        served.pass_s(50)
        until(lambda: not rows(tmp_path))


def test_a_ledger_that_cannot_be_written_is_told_and_holds_up_nobody(tmp_path: Path, sites: Sites) -> None:
    (tmp_path / "s").mkdir(mode=0o700)
    (tmp_path / "s" / "usage.db").touch()
    (tmp_path / "s" / "usage.db").chmod(0o644)  # whatever the umask
    served = gateway(tmp_path, sites)
    with patch.object(ledger, "END_PATIENCE_S", 0.0), served:
        assert served.post(HELLO).status_code == 200
        until(lambda: served.http().get("/healthz").json()["status"] == "degraded")  # its thread has tried
        problems = served.http().get("/healthz").json()["problem"]
    assert re.search(r"usage\.db is open to others; run: chmod 600 .* \(1 requests wait to be written\)", problems)
    assert "the ledger of requests lacks 1 requests" in served.log


@pytest.mark.parametrize(("at_start", "waits"), [(True, 1), (False, 0)])
def test_the_start_alone_waits_for_what_writes(tmp_path: Path, sites: Sites, at_start: bool, waits: int) -> None:
    """Who is served has it loaded already; a reload that turns the ledger on holds nobody."""
    waited: list[float] = []
    with (
        patch.object(LedgerWriter, "wait_until_loaded", lambda _self, patience_s: waited.append(patience_s)),
        gateway(tmp_path, sites, usage={"enabled": at_start}) as served,
    ):
        served.config["usage"] = {"enabled": True, "days": 7}
        served.write_config()
        assert served.reload().done
        served.post(HELLO)
    assert waited == [ledger.LOAD_PATIENCE_S] * waits
