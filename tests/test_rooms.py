"""The rooms of the house and their floors: a room imports only from floors below its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FLOORS: Final = (
    ("addons/gateway.py", "addons/capture.py"),
    ("addons/capturing",),
    ("addons/cli",),
    ("addons/app",),
    ("addons/recordings", "addons/mitm"),
    ("addons/inspect", "addons/importing", "addons/telemetry"),
    ("addons/usage",),
    ("addons/exchange",),
    ("addons/ingress",),
    ("addons/routing",),
    ("addons/accounts",),
    ("addons/config", "addons/features", "addons/cache"),
    ("addons/dialects", "addons/transport"),
    ("addons/driver",),
    ("addons/layers",),
    ("addons/stream",),
    ("addons/upstream",),
    ("addons/errors.py", "addons/cleaning"),
    ("addons/framing", "addons/kept", "addons/keys"),
    ("addons/vault", "addons/tasks.py"),
    ("addons/words",),
    (
        "providers/zai",
        "providers/qwen",
        "providers/k2think",
        "providers/longcat",
        "providers/openai",
        "providers/anthropic",
    ),
    ("providers/official",),
    ("providers/registry.py", "providers/sandbox", "providers/shared"),
    ("providers/contract",),
    ("providers/formats",),
)
"""From the top down. What stands on one floor knows nothing of its neighbours: no provider of another, for one."""
FLOOR_OF: Final = {room: number for number, floor in enumerate(FLOORS) for room in floor}
VENDORS: Final = frozenset(room for room in FLOOR_OF if room.startswith("providers/")) - {
    "providers/registry.py",
    "providers/sandbox",
    "providers/shared",
    "providers/contract",
    "providers/formats",
}


def room_of(file: Path) -> str:
    """The folder below addons/ or providers/ that a file stands in, or the file itself where it stands in none."""
    return "/".join(file.relative_to(ROOT).parts[:2])


def sources() -> list[Path]:
    found = [file for top in ("addons", "providers") for file in (ROOT / top).rglob("*.py")]
    return [
        file for file in found if file.parent not in (ROOT / "addons", ROOT / "providers") or file.stem != "__init__"
    ]


def imported(file: Path) -> Iterator[Path]:
    """The files of this project that a file imports, at its head or inside of a function."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written whole"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if (parts := name.split("."))[0] in ("addons", "providers"):
                yield next(
                    found for length in range(len(parts), 0, -1) if (found := module(parts[:length])) is not None
                )


def packages(file: Path) -> set[str]:
    """The packages of others and ours that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    return found


def module(parts: list[str]) -> Path | None:
    place = ROOT.joinpath(*parts)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def test_every_file_stands_in_a_room_that_is_known() -> None:
    assert {room_of(file) for file in sources()} == set(FLOOR_OF)


def test_every_folder_is_a_package_that_says_what_it_is() -> None:
    """One without `__init__.py` would not be installed; an ignored name hid one once."""
    silent = [
        str(folder.relative_to(ROOT))
        for folder in {file.parent for file in sources()} | {ROOT / "addons", ROOT / "providers"}
        if not (init := folder / "__init__.py").is_file() or not ast.get_docstring(ast.parse(init.read_bytes()))
    ]
    assert silent == []


def test_a_room_imports_only_from_floors_below() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
        for file in sources()
        for other in imported(file)
        if (mine := room_of(file)) != (theirs := room_of(other)) and FLOOR_OF[mine] >= FLOOR_OF[theirs]
    ]
    assert wrong == []


def test_the_gateway_knows_no_provider_by_name() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
        for file in sources()
        for other in imported(file)
        if room_of(file).startswith("addons/") and room_of(other) in VENDORS
    ]
    assert wrong == []


def test_only_the_rooms_of_connections_and_the_wiring_know_the_proxy_core_of_mitmproxy() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {node.module}"
        for file in sources()
        if room_of(file) not in ("addons/driver", "addons/layers", "addons/stream", "addons/upstream", "addons/app")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("mitmproxy.proxy")
    ]
    assert wrong == []


def test_httpx_is_for_commands_and_captures() -> None:
    """The gateway calls sites over its own pool of connections, and spares the start and the memory of another."""
    carrier = ROOT / "addons/transport/httpx_carrier.py"
    wrong = [
        str(file.relative_to(ROOT))
        for file in sources()
        if room_of(file) not in ("addons/cli", "addons/capturing") and file != carrier
        if "httpx" in packages(file) or carrier in imported(file)
    ]
    assert wrong == []


def test_the_architecture_page_has_the_same_rooms_on_the_same_floors() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    floors: list[set[str]] = []
    for floor, rooms in re.findall(
        r"^\| ([\w ]*?) ?\| ((?:`(?:addons|providers)/[\w./]+`(?:, )?)+) \|", page, re.MULTILINE
    ):
        if floor:
            floors.append(set())
        floors[-1] |= {room.rstrip("/") for room in re.findall(r"`([^`]+)`", rooms)}
    assert floors == [set(floor) for floor in FLOORS]
