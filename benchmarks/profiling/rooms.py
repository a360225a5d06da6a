"""Which room a sampled stack spends its time in."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

type Stacks = Mapping[tuple[str, ...], int]
"""How often each stack was sampled, by its frames from the outermost on, each `function (path:line)`."""

OTHER: Final = "other"
_OURS: Final = r"\((?:\S*/)?"
"""A file of the project, wherever that stands."""
_RULES: Final = (
    ("socket write", r"(?:^|\.)(?:write|writelines|_write_\w+) \(asyncio/selector_events\.py"),
    (
        "decode",
        _OURS + r"providers/(?:\S*[/_])?(?:decoder|sse|frames|whole|structure|buffer|merge|choice|usage)\.py",
    ),
    ("decode", _OURS + r"providers/(?:\S*[/_])?(?:think_tags|cumulative|text|sources|citations|answer|final)\.py"),
    ("encode", _OURS + r"addons/dialects/(?:\S*[/_])?(?:stream|whole|answer|frames|tool_calls)\.py"),
    ("upstream", _OURS + r"addons/(?:upstream/|transport/(?:clients|step_runner)|steps\.py)"),
    ("upstream", r"\((?:httpx|httpcore|h11)/"),
    (
        "own stream layer",
        _OURS + r"addons/(?:driver/|layers/|stream/|relay\.py|pursuit\.py|attempt\.py|sweeper\.py|traffic\.py)",
    ),
    ("own stream layer", _OURS + r"addons/exchange/(?:attempt|answer_reader)\.py"),
    ("hook dispatch", _OURS + r"addons/mitm/hook_table\.py"),
    ("hook dispatch", r"\(mitmproxy/(?:addonmanager|hooks|optmanager)\.py"),
    ("hook dispatch", r"(?:^|\.)(?:hook_task|handle_hook|wait_for_resume) \(mitmproxy/proxy/"),
    ("kept and cleaned", _OURS + r"addons/(?:inspect|recordings|cleaning|mitm)/"),
    ("kept and cleaned", _OURS + r"addons/(?:exchange/(?:observer|outcome)|core/secrets|secrets|verdict)\.py"),
    ("log", r"\(logging/"),
    ("log", _OURS + r"addons/(?:exchange/request_log|core/logs)\.py"),
    ("planning", _OURS + r"(?:addons|providers)/"),
    ("mitmproxy's addons", r"\(mitmproxy/addons/"),
    ("mitmproxy's objects", r"\(mitmproxy/(?:http|flow|connection|coretypes/\w+|certs)\.py"),
    ("mitmproxy's layers", r"\(mitmproxy/"),
    ("asyncio", r"\((?:asyncio/|selectors\.py)"),
)
"""The first rule that fits a frame names its room; frames from the innermost outwards until one has a rule."""
ROOMS: Final = tuple(dict.fromkeys([*(room for room, _ in _RULES), OTHER]))
_COMPILED: Final = tuple((room, re.compile(rule)) for room, rule in _RULES)


def room_of(frame: str) -> str | None:
    """The room of one frame; None for helpers, whose time is their callers'."""
    return next((room for room, rule in _COMPILED if rule.search(frame)), None)


def room_of_stack(stack: Iterable[str]) -> str:
    """The room of the innermost frame that has one."""
    return next((room for frame in reversed(tuple(stack)) if (room := room_of(frame))), OTHER)


def shares(stacks: Stacks) -> dict[str, float]:
    """The part of all samples that each room has, of 1; the biggest first."""
    counts: Counter[str] = Counter()
    for stack, count in stacks.items():
        counts[room_of_stack(stack)] += count
    total = counts.total() or 1
    return {room: count / total for room, count in counts.most_common()}


_PLACE: Final = re.compile(
    r".*/(?:site-packages|python3\.\d+)/|.*/(?=(?:addons|providers|benchmarks|tests)/)|.*/(?=[^/]*$)"
)
_WAITS: Final = re.compile(r"^_worker \(concurrent/futures/thread\.py:\d+\)$")
"""A pool's thread that has nothing to do, which py-spy takes for busy."""
_SAME: Final = 4
"""So many samples of one stack one behind the other count. A process that waits for its turn on a core is sampled
too, always where it stands; nothing that is done here takes more than some milliseconds at one line."""


def read_samples(text: str) -> Stacks:
    """Stacks of py-spy's speedscope form, but of waiting threads; paths from the package or the room's folder on."""
    told = json.loads(text)
    frames = [
        f"{one['name']} ({_PLACE.sub('', one['file'], count=1)}:{one['line']})" for one in told["shared"]["frames"]
    ]
    stacks: Counter[tuple[str, ...]] = Counter()
    for thread in told["profiles"]:
        for sampled, run in groupby(thread["samples"]):
            stack = tuple(frames[at] for at in sampled)
            if stack and not _WAITS.search(stack[-1]):
                stacks[stack] += min(sum(1 for _ in run), _SAME)
    return stacks
