from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from providers.sandbox.run import Sandbox
from tests.support.drivers import ENV_NAME, drivers_of
from tests.support.hostile import Hostile
from tests.support.mitmweb import Web, mitmweb_api
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread

HERE = Path(__file__).parent


# -- over which drivers (tests/support/drivers.py) --------------------------------------------------------------------
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    file = metafunc.definition.path.relative_to(HERE).as_posix()
    drivers = drivers_of(metafunc.config.getoption("drivers"), file, metafunc.definition.name)
    metafunc.parametrize("driver", drivers, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def driver(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The driver that gateways started from now on have; None is the default."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setenv(ENV_NAME, request.param)
        yield request.param


def _driver(item: pytest.Item) -> str | None:
    spec = getattr(item, "callspec", None)  # None of a test elsewhere without parameters
    return spec.params.get("driver") if spec else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Whatever a file or the session has started ends where the next test is over another driver."""
    if nextitem is not None and _driver(item) != _driver(nextitem):
        done: bool | None = item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        return done
    return None


@pytest.fixture(scope="session")
def sites() -> Iterator[SandboxThread]:
    with SandboxThread() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def thread() -> Iterator[SandboxThread]:
    """Providers that do what a test programs them to (tests/support/hostile.py), anew for each file."""
    own = {name: Hostile() for name in ("hostile", "second", "third")}
    with SandboxThread(Sandbox((), own=own)) as running:
        yield running


@pytest.fixture
def site(thread: SandboxThread) -> Hostile:
    """The first of them."""
    found: Hostile = thread.site("hostile")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the gateway keeps its secrets in: open to its user alone."""
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture(scope="session")
def gateway(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all tests that leave it as it is.

    Tests of refusals must not find the account resting because of the refusal before.
    """
    folder = tmp_path_factory.mktemp("gateway", numbered=True)
    folder.chmod(0o700)
    with Gateway(folder, sites.description(), by_itself=True, **NO_REST) as running:
        yield running


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """The real SDK, refusing anything that is not of the declared form; it does not repeat by itself."""
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def http(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, headers=gateway.headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def web(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A gateway in mitmweb, one a file."""
    folder = tmp_path_factory.mktemp("mitmweb")
    folder.chmod(0o700)
    with Web(folder, sites.description(), retries={"base_s": 0.01}) as running:
        yield running


@pytest.fixture
def api(web: Web) -> Iterator[httpx.Client]:
    """mitmweb's API, signed in."""
    with mitmweb_api(web) as client:
        yield client
