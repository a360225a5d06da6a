"""A fault in the sweep over the streams, through a real mitmdump."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.faulty import BEGUN, TIMES, ask, read, scripted
from tests.support.hostile import Hostile, sends
from tests.support.processes import SandboxThread

TICK_RAISES = """
from addons.layers import connections
real, first = connections.Tick, []
def fails(stream):
    if (machine := getattr(stream, "machine", None)) and machine.committed:
        first.append(stream)
    if stream in first[:1]:
        raise RuntimeError("a bug")
    return real(stream)
connections.Tick = fails
"""


def test_a_stream_the_clock_cannot_reach_ends_alone(folder: Path, thread: SandboxThread, site: Hostile) -> None:
    site.programs["silent"] = sends(BEGUN, then="silence")
    with (
        scripted(folder, thread, TICK_RAISES, timeouts=TIMES | {"keepalive_s": 0.2}) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        lost = pool.submit(ask, gateway, "silent")
        with pytest.raises(httpx.HTTPError):
            lost.result(60)
        assert read(ask(gateway, "silent")) == ("Hello ", "upstream_timeout"), "its timers still go"
        assert "its connection is ended, the others go on" in gateway.log
