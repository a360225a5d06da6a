"""How long the capture proxy's own CA lives."""

import os
import time
from pathlib import Path

import pytest

from addons.capturing.ca import KEPT_DAYS, prepare, remove


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "capture-ca"


def test_a_ca_that_is_there_is_kept_for_a_while(folder: Path) -> None:
    now = time.time()
    first = prepare(folder, now)
    certificate = first.certificate.read_bytes()
    again = prepare(folder, now + (KEPT_DAYS - 1) * 86_400)
    assert (first.fresh, again.fresh) == (True, False)
    assert again.certificate.read_bytes() == certificate


def test_an_old_one_is_made_anew(folder: Path) -> None:
    certificate = prepare(folder, time.time()).certificate.read_bytes()
    key = folder / "mitmproxy-ca.pem"
    before = key.read_bytes()
    os.utime(key, (0, 0))
    made = prepare(folder, time.time())
    assert made.fresh
    assert made.certificate.read_bytes() != certificate
    assert key.read_bytes() != before


def test_nothing_but_the_ca_is_removed(folder: Path) -> None:
    prepare(folder, time.time())
    (folder / "notes.txt").touch()
    remove(folder)
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
