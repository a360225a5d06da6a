import gc
import inspect
import resource
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import certifi
import httpx
import pytest
from hypothesis import HealthCheck, settings

from addons.words import commands
from tests.support.drivers import CHOICES, ENV_NAME, visits_of

ROOT = Path(__file__).parent
WORKERS = 2
"""How many run the suite, whatever the machine: a container may show far more cores than it gives."""
LONG = (
    "wire",
    "test_growth_of_decoders.py",
    "test_growth_of_client_readers.py",
    "test_growth_of_provider_readers.py",
    "test_growth_of_shown_and_kept.py",
    "cli/test_vault_faults.py",
    "test_growth_of_patterns.py",
    "test_run_proxy.py",
    "providers/test_every_decoder.py",
    "providers/qwen/test_decoder.py",
    "providers/zai/test_decoder.py",
    "ingress/test_fuzz.py",
    "ingress/test_openapi.py",
    "vault",
)
"""Folders and files of seconds; the many others take a moment each and fill up what is left."""
_WIRE = LONG.index("wire")

# How long an example takes depends on what runs beside it, so no test fails by it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
settings.register_profile("long", settings.get_profile("untimed"), max_examples=5000)  # for --hypothesis-profile
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--drivers", choices=CHOICES, default="short", help="see tests/support/drivers.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """None but this process for a single file: its tests share what they start."""
    files = {Path(argument.partition("::")[0]) for argument in config.args}
    return 0 if len(files) == 1 and files.pop().is_file() else WORKERS


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that the workers end at about the same time."""
    for item in items:
        if _turn_of(item.path) == _WIRE:
            item.add_marker(pytest.mark.processes)
    items.sort(key=lambda item: _turn_of(item.path))
    gc.collect()
    gc.freeze()  # a million objects that stay: no collection during a test walks them


@cache
def _turn_of(file: Path) -> int:
    """Where the tests of a file come among those of all."""
    return next((number for number, path in enumerate(LONG) if file.is_relative_to(ROOT / path)), len(LONG))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whose the clients are where a gateway is in the process of the tests."""
    file = metafunc.definition.path.relative_to(ROOT).as_posix()
    if not file.startswith("wire/") and any(
        getattr(one, "__module__", "") in ("tests.support.harness", "tests.support.served")
        for one in vars(metafunc.module).values()
    ):
        metafunc.fixturenames.append("visits")
        metafunc.parametrize("visits", visits_of(metafunc.config.getoption("drivers"), file), indirect=True)


@pytest.fixture
def visits(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clients of gateways in this process are the own driver's, or those of mitmproxy's layers."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setenv(ENV_NAME, request.param)
        yield


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
def signals() -> None:
    """Processes of the tests meet a hangup and Ctrl-C as those of a terminal do, also when the tests run under
    nohup or in the background of a script.

    What is ignored stays so in a new program, what is handled does not (execve(2)).
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def few_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests' own HTTP clients trust one authority: to read all of them takes 15 ms, for each of thousands."""
    all_of_them = Path(certifi.where()).read_text(encoding="utf-8")
    end = "-----END CERTIFICATE-----\n"
    one = tmp_path_factory.mktemp("authorities") / "one.pem"
    one.write_text(all_of_them.partition(end)[0] + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(one))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_clients() -> Iterator[None]:
    """The tests' own HTTP clients wait longer than httpx's five seconds: a busy machine is no fault of a gateway."""
    default = inspect.signature(httpx.get).parameters["timeout"].default
    with pytest.MonkeyPatch.context() as patch:
        for part in ("connect", "read", "write", "pool"):
            patch.setattr(default, part, 60.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What vaults are remembered by, and a person's own configuration, lie in folders of the tests, for the processes
    they start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def plain_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines to be pasted begin with `glassgate` alone until a test says where it is and with which file it works."""
    monkeypatch.setattr(commands, "_here", commands.Installation())
