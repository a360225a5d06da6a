"""What becomes of sampled stacks."""

import json
import xml.etree.ElementTree as ET

import pytest

from benchmarks.profiling import __main__ as profiling
from benchmarks.profiling.flamegraph import flame_graph
from benchmarks.profiling.rooms import OTHER, ROOMS, read_samples, room_of, room_of_stack, shares

LAYER = "Layer.handle_event (mitmproxy/proxy/layer.py:146)"
DECODER = "OpenAIDecoder.feed (addons/../providers/openai/decoder.py:12)"


@pytest.mark.parametrize(
    ("frame", "room"),
    [
        ("_SelectorSocketTransport.write (asyncio/selector_events.py:1067)", "socket write"),
        ("OpenAIDecoder.feed (providers/openai/decoder.py:12)", "decode"),
        ("Decoder.feed (providers/zai_decoder.py:12)", "decode"),
        ("SseEncoder.text (addons/dialects/chat_completions/stream.py:3)", "encode"),
        ("ChatRequest.read (addons/dialects/chat_completions/request.py:3)", "planning"),
        ("Pool.take (addons/upstream/pool.py:3)", "upstream"),
        ("AsyncClient.send (httpx/_client.py:9)", "upstream"),
        ("GatewayStream.body (/srv/glassgate/addons/layers/stream.py:9)", "own stream layer"),
        ("OwnConnection.tell (/srv/glassgate/addons/driver/connection.py:9)", "own stream layer"),
        ("HookTable._call (addons/mitm/hook_table.py:106)", "hook dispatch"),
        ("AddonManager.handle_lifecycle (mitmproxy/addonmanager.py:9)", "hook dispatch"),
        ("ConnectionHandler.hook_task (mitmproxy/proxy/server.py:359)", "hook dispatch"),
        ("Cleaner.text (addons/cleaning/cleaner.py:3)", "kept and cleaned"),
        ("RequestLog.ended (addons/exchange/request_log.py:3)", "log"),
        ("Request.authority (mitmproxy/http.py:693)", "mitmproxy's objects"),
        (LAYER, "mitmproxy's layers"),
        ("BaseEventLoop._run_once (asyncio/base_events.py:2027)", "asyncio"),
        ("loads (json/__init__.py:346)", None),
    ],
)
def test_a_frame_has_its_file_s_room(frame: str, room: str | None) -> None:
    assert room_of(frame) == room
    assert room is None or room in ROOMS


def test_a_helper_s_time_is_its_caller_s() -> None:
    assert room_of_stack([LAYER, DECODER, "loads (json/__init__.py:346)"]) == "decode"
    assert room_of_stack(["main (tool.py:1)"]) == OTHER


def test_samples_are_named_by_package_or_room_and_no_run_of_the_same_counts_for_long() -> None:
    files = (
        "/x/lib/python3.13/asyncio/runners.py",
        "/x/lib/python3.13/site-packages/mitmproxy/addons/a.py",
        "/home/ada/glassgate/addons/stream/b.py",
        "/x/lib/python3.13/concurrent/futures/thread.py",
        "/home/ada/env/bin/mitmdump",
    )
    names = ("run", "handle", "read", "_worker", "<module>")
    frames = [{"name": name, "file": file, "line": 1} for name, file in zip(names, files, strict=True)]
    main = {"samples": [[4, 0, 1], *[[4, 0, 2]] * 90, [4, 0, 1], []]}
    told = json.dumps({"shared": {"frames": frames}, "profiles": [main, {"samples": [[0, 3]] * 400}]})
    outer = ("<module> (mitmdump:1)", "run (asyncio/runners.py:1)")
    assert read_samples(told) == {
        (*outer, "handle (mitmproxy/addons/a.py:1)"): 2,
        (*outer, "read (addons/stream/b.py:1)"): 4,
    }


def test_shares_are_parts_of_all_samples() -> None:
    assert shares({(LAYER,): 1, (LAYER, DECODER): 3}) == {"decode": 0.75, "mitmproxy's layers": 0.25}
    assert shares({}) == {}


def test_a_flame_graph_has_a_box_for_each_function_that_is_wide_enough() -> None:
    text = flame_graph({(LAYER, DECODER): 9_000, (LAYER, "<odd> (x.py:1)"): 999, (LAYER, "rare (x.py:1)"): 1}, "a & b")
    said = [element.text for element in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}title")]
    assert said == [
        "all 100.0%",
        "Layer.handle_event (mitmproxy/proxy/layer.py) 100.0%",
        "<odd> (x.py) 10.0%",
        "OpenAIDecoder.feed (addons/../providers/openai/decoder.py) 90.0%",
    ]


def test_the_table_has_ms_and_shares() -> None:
    found = {"glassgate, whole": {"all": 2.0, "decode": 0.5}, "glassgate, stream": {"all": 4.0, "log": 1.0}}
    assert profiling.table(found).splitlines()[2:] == [
        "| all | 2.000 (100%) | 4.000 (100%) |",
        "| decode | 0.500 (25%) | 0.000 (0%) |",
        "| log | 0.000 (0%) | 1.000 (25%) |",
    ]
