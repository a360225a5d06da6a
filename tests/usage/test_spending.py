"""What keys have used, for meters that begin anew."""

from decimal import Decimal
from pathlib import Path

import pytest

from addons.usage.database import Database
from addons.usage.place import Place
from addons.usage.spending import LedgerSpending, NoSpending, Spent
from tests.usage.rows import NOW, row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    writer = Database(Place(folder / "usage.db"), writes=True)
    writer.add(
        [
            row(key="ada", cost_nano=2_000_000_000),
            row(key="ada"),
            row(NOW - 10, key="ada", cost_nano=1),
            row(NOW + 86_400, key="bob"),
            row(NOW - 400 * 86_400, key="old", cost_nano=1),
        ]
    )
    writer.close()
    return folder / "usage.db"


def test_what_keys_have_used_since_times_of_their_own(file: Path) -> None:
    spending = LedgerSpending(Place(file))
    assert spending.spent({"ada": NOW - 1, "bob": NOW + 2 * 86_400, "old": 0.0, "nobody": 0.0}) == {
        "ada": Spent(30, Decimal(2)),
        "old": Spent(15, Decimal("0.000000001")),
    }
    many = {f"key-{number}": 0.0 for number in range(450)}
    assert spending.spent(many | {"bob": 0.0}) == {"bob": Spent(15, Decimal(0))}


def test_without_a_ledger_nothing_was_used(tmp_path: Path) -> None:
    assert LedgerSpending(Place(tmp_path / "usage.db")).spent({"ada": 0.0}) == {}
    assert LedgerSpending(Place(tmp_path / "usage.db")).spent({}) == {}
    assert NoSpending().spent({"ada": 0.0}) == {}
