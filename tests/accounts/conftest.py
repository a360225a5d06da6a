from collections.abc import Callable
from pathlib import Path

import pytest

from tests.accounts.renewing import House


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., House]:
    tmp_path.chmod(0o700)
    return lambda token, clock_s=0.0, **more: House(
        tmp_path, {"token": token, "cookies": {"refresh": "r1"}, **more}, clock_s=clock_s
    )
