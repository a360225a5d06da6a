"""One gateway for all tests of a file that leave it as it is, with all sites of the sandbox, and ways to ask it.

Fixtures: a folder whose tests want them names them in its conftest.py.
"""

from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Tests of refusals must not find the account resting because of the refusal before."""
    with Served(tmp_path_factory.mktemp("gateway"), sites, **NO_REST) as running:
        yield running


@pytest.fixture
def client(gateway: Served) -> Iterator[openai.OpenAI]:
    with gateway.sdk() as client:
        yield client


@pytest.fixture
def http(gateway: Served) -> Iterator[httpx.Client]:
    with gateway.http() as client:
        yield client
