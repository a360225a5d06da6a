"""Which driver of plain HTTP/1.1 clients (`listen.driver`) the gateways of wire tests have, and what runs over both.

`--drivers` says it: `short` (each wire test once, those of `TWICE` over both), `both` (all of them over both), `auto`
or `mitmproxy` (each once, over that one). A gateway's configuration is written with what the environment names, so
other programs can say it too (benchmarks/soak.py, tests/suites/run.py).

In the same way for the gateways in the tests' own process (tests/support/harness.py), whose clients are those of
mitmproxy's layers where nothing is said: `short` runs those of `VISITED_TWICE` over the own driver too.
"""

import os
from typing import Any, Final

import pytest

ENV_NAME: Final = "GLASSGATE_TEST_DRIVER"
CHOICES: Final = ("short", "auto", "mitmproxy", "both")
OTHER: Final = "mitmproxy"
"""The one that is not the default."""
ONCE: Final = (
    *("capture/", "test_imports.py", "test_wheel.py", "test_own_browser.py"),
    *("test_same_flows.py", "test_driver_switch.py"),
)
"""Files below tests/wire that ask no gateway, none whose configuration a test writes, or one with each driver."""
TWICE: Final[dict[str, tuple[str, ...]]] = {
    "test_client_faults.py": ("test_25", "test_26_a_slow", "test_26_who", "test_27_heads", "test_27_what", "test_more"),
    "test_compressed_requests.py": (),
    "test_door.py": ("test_a_connection", "test_a_program", "test_bodies", "test_the_clients_key"),
    "test_life.py": ("test_live_streams",),
    "test_loops.py": (),
    "test_mitmweb_buttons.py": ("test_a_", "test_marks", "test_what_is"),
    "test_mitmweb_live.py": (),
    "test_two_keys.py": (),
    "test_uploads.py": ("test_a_", "test_an_"),
}
"""What the short suite runs over both: what a driver touches and is soon done. By file the beginnings of tests' names,
none for all of them."""
VISITED_TWICE: Final = (
    "app/test_door.py",
    "app/test_drain.py",
    "app/test_garbage_collection.py",
    "exchange/test_exchange.py",
    "exchange/test_form_upload.py",
    "exchange/test_leaving.py",
)
"""Files of tests whose gateway is in their process that the short suite runs over both, too."""
COUNTED: Final = ("exchange/test_planning_work.py",)
"""Those that count what is called for a request that comes in one piece, as no socket gives it."""


def listening() -> dict[str, str]:
    """What the section `listen` of a test's gateway says of the driver."""
    named = os.environ.get(ENV_NAME)
    return {"driver": named} if named else {}


def drivers_of(chosen: str, file: str, test: str) -> list[Any]:
    """The parameters of a wire test: names of drivers, None for the default. `file` is its path below tests/wire.

    A test has the same id over the default driver, whatever was chosen.
    """
    first = pytest.param(chosen if chosen in ("auto", "mitmproxy") else None, id=pytest.HIDDEN_PARAM)
    beginnings = TWICE.get(file)
    twice = beginnings is not None and test.startswith(beginnings or "test_")
    if not file.startswith(ONCE) and (chosen == "both" or (chosen == "short" and twice)):
        return [first, pytest.param(OTHER, id=OTHER)]
    return [first]


def visits_of(chosen: str, file: str) -> list[Any]:
    """The parameters of a test with a gateway in its process; None is mitmproxy's layers. `file` is below tests."""
    own = chosen == "auto" and file not in COUNTED
    first = pytest.param("auto" if own else None, id=pytest.HIDDEN_PARAM)
    if file not in COUNTED and (chosen == "both" or (chosen == "short" and file in VISITED_TWICE)):
        return [first, pytest.param("auto", id="own")]
    return [first]
