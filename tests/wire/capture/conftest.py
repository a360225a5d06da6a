import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.sandbox.run import SITES
from providers.sandbox.sign_in_page import FORMS
from tests.support.capturing import CaptureRun, TlsSites


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short name: a browser puts a socket below it."""
    made = Path(tempfile.mkdtemp(prefix="gg-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[TlsSites]:
    with TlsSites(tmp_path, *(name for name in FORMS if name in SITES)) as running:
        yield running


@pytest.fixture
def run(folder: Path, sites: TlsSites) -> Iterator[CaptureRun]:
    with CaptureRun(folder, sites.entries(), sites.ca_file) as made:
        yield made
