"""Sampled stacks as a flame graph: an SVG without a script, a colour for each room."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Final

from benchmarks.profiling.rooms import OTHER, ROOMS, Stacks, room_of

_WIDTH: Final = 1200.0
_ROW: Final = 15
_HEAD: Final = 62
_LEAST: Final = 0.0012
"""Of all samples; what is rarer is left out, so that the file stays small."""
_LETTER: Final = 6.2
_COLOURS: Final = dict(
    zip(
        ROOMS,
        (
            *("#e8590c", "#2f9e44", "#66a80f", "#1971c2", "#4dabf7", "#f08c00", "#ae3ec9", "#868e96", "#e64980"),
            *("#ffd43b", "#fab005", "#ffa94d", "#adb5bd", "#ced4da"),
        ),
        strict=False,
    )
)


@dataclass(slots=True)
class _Frame:
    """A function as called by those that it lies upon."""

    name: str
    room: str
    samples: int = 0
    calls: dict[str, "_Frame"] = field(default_factory=dict)


def flame_graph(stacks: Stacks, title: str) -> str:
    """The SVG: calls grow downwards, widths are samples; a frame without a room has its caller's colour."""
    root = _Frame("all", OTHER)
    for stack, count in stacks.items():
        at = root
        root.samples += count
        for frame in stack:
            name = frame.rpartition(":")[0] + ")" if ":" in frame else frame
            at = at.calls.setdefault(name, _Frame(name, room_of(frame) or at.room))
            at.samples += count
    boxes = list(_boxes(root, 0.0, 0, root.samples or 1))
    height = _HEAD + _ROW * (1 + max((row for *_, row in boxes), default=0))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height}" font-size="10.5"'
            ' font-family="monospace"><style>rect{stroke:#fff;stroke-width:.4}text{pointer-events:none}</style>',
            f'<text x="4" y="16" font-size="14">{escape(title)}</text>',
            *_legend(stacks),
            *(_drawn(frame, left, row, root.samples or 1) for frame, left, row in boxes),
            "</svg>\n",
        ]
    )


def _boxes(frame: _Frame, left: float, row: int, total: int) -> Iterator[tuple[_Frame, float, int]]:
    """The frames that are wide enough, each with where it begins, of 1, and its row."""
    yield frame, left, row
    for called in sorted(frame.calls.values(), key=lambda one: one.name):
        if called.samples >= total * _LEAST:
            yield from _boxes(called, left, row + 1, total)
        left += called.samples / total


def _drawn(frame: _Frame, left: float, row: int, total: int) -> str:
    share = frame.samples / total
    x, y, width = left * _WIDTH, _HEAD + row * _ROW, share * _WIDTH
    letters = int(width / _LETTER)
    shown = frame.name if len(frame.name) <= letters else frame.name.partition(" ")[0][:letters]
    text = f'<text x="{x + 2:.1f}" y="{y + 11}">{escape(shown)}</text>' if letters >= 3 else ""
    return (
        f'<g><title>{escape(frame.name)} {share:.1%}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}"'
        f' height="{_ROW}" fill="{_COLOURS[frame.room]}"/>{text}</g>'
    )


def _legend(stacks: Stacks) -> Iterator[str]:
    used: Counter[str] = Counter(room for stack in stacks for frame in stack if (room := room_of(frame)))
    for at, room in enumerate(one for one in ROOMS if used[one]):
        x, y = 4 + at % 7 * 165, 24 + at // 7 * 16
        yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{_COLOURS[room]}"/>'
        yield f'<text x="{x + 16}" y="{y + 10}">{escape(room)}</text>'
