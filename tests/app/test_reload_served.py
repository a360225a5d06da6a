"""A gateway that runs takes up a changed configuration, or holds on to the one it has."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Served]:
    with Sites(("openai",)) as sites, Served(tmp_path, sites) as running:
        yield running


LAUGHS = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]" for i in range(9))


@pytest.mark.parametrize(
    "text",
    ["x: 2001-13-45", "a: &x [*x]", LAUGHS, "a: " + "[" * 20_000, "\0", None],
    ids=["no date", "itself", "a billion laughs", "deep", "a zero byte", "a pipe"],
)
def test_what_is_no_configuration_holds_nobody(gateway: Served, text: str | None) -> None:
    new, good = gateway.folder / "new.yaml", gateway.config_file.read_text()
    if text is None:
        os.mkfifo(new)
    else:
        new.write_text(text)
    new.replace(gateway.config_file)
    gateway.pass_s(10)
    assert gateway.get("/healthz").json()["status"] == "degraded"
    assert gateway.get("/v1/models").status_code == 200
    new.write_text(good)
    new.chmod(0o600)
    new.replace(gateway.config_file)
    gateway.pass_s(10)
    assert gateway.get("/healthz").json()["status"] == "ok"
