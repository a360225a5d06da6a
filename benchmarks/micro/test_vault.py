"""The vault at 10 and at 1,000 sessions: opened, read where nothing has changed, and written."""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from benchmarks.vaults import put_all

KEY = VaultKey(raw=b"b" * 32)
MATERIAL = {"token": "t" * 400, "cookies": {"sid": "c" * 100}}
"""Of one session."""


def filled(folder: Path, sessions: int) -> Vault:
    vault = Vault.create(folder / "s" / "vault.json", KEY, sync=False)
    put_all(vault, {("zai", f"account-{number}"): MATERIAL for number in range(sessions)})
    return vault


@pytest.fixture(params=[10, 1000], scope="module")
def vault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    sessions: int = request.param
    return filled(tmp_path_factory.mktemp("vault"), sessions)


def test_opening(benchmark: BenchmarkFixture, vault: Vault) -> None:
    benchmark(Vault.open, vault.path, KEY, sync=False)


def test_reading(benchmark: BenchmarkFixture, vault: Vault) -> None:
    """One session, with a look whether the file is still the same."""
    assert benchmark(vault.get, "zai", "account-7") is not None


def test_writing(benchmark: BenchmarkFixture, vault: Vault) -> None:
    benchmark(vault.put, "zai", "account-7", MATERIAL)
