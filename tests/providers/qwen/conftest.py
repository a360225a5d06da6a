from collections.abc import Iterator

import pytest

from providers.sandbox.qwen.site import QwenSite
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, QwenSite]]:
    """A gateway and a site that refusals may disturb."""
    folder = tmp_path_factory.mktemp("qwen")
    with Sites(("qwen",)) as thread, Served(folder, thread, **NO_REST) as gateway:
        yield gateway, thread.site("qwen")
