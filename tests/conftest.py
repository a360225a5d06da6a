import resource
from collections.abc import Iterator

import pytest

from addons.core import commands


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio alone, as the gateway does."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def limits_of_the_tests() -> Iterator[None]:
    """Commands run inside of the test process do not take its cores, which tests of other processes need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource, "setrlimit", lambda *_: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What vaults are remembered by lies in a folder of the tests, for the processes they start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def plain_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines to be pasted begin with `glassgate` alone until a test says where it is and with which file it works."""
    monkeypatch.setattr(commands, "_here", commands.Installation())
