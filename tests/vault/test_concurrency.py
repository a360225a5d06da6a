"""Many processes at one vault: no update is lost, and no reader ever sees a half."""

import multiprocessing
from pathlib import Path

from addons.vault import format as vault_format
from addons.vault.errors import VaultBusy, VaultConflict
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET

WRITERS, UPDATES, REPLACES = 8, 200, 1_000


def _count_up(path: Path) -> None:
    """Adds one to the shared session, UPDATES times, each time to what it just read."""
    vault = Vault.open(path, RAW, sync=False)
    for _ in range(UPDATES):
        while True:
            record = vault.get("zai", "counter")
            assert record is not None
            try:
                vault.put("zai", "counter", {"n": record.material["n"] + 1}, expected_rev=record.rev)
                break
            except (VaultConflict, VaultBusy):  # a machine that is busy with all of them keeps one waiting long
                continue


def test_no_update_is_lost(vault: Vault) -> None:
    vault.put("zai", "counter", {"n": 0})
    start = vault_format.read(vault.path.read_bytes(), RAW).generation
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_count_up, args=(vault.path,)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)
        assert writer.exitcode == 0
    record = vault.get("zai", "counter")
    assert record is not None
    assert record.material == {"n": WRITERS * UPDATES}
    assert vault_format.read(vault.path.read_bytes(), RAW).generation == start + WRITERS * UPDATES
    assert not list(vault.path.parent.glob(".*"))


def _replace_often(path: Path) -> None:
    vault = Vault.open(path, RAW, sync=False)
    for number in range(REPLACES):
        vault.put("zai", "main", {**SECRET, "n": number, "twice": number})


def test_a_reader_sees_whole_files_only(vault: Vault) -> None:
    reader = Vault.open(vault.path, RAW)
    writer = multiprocessing.get_context("spawn").Process(target=_replace_often, args=(vault.path,))
    writer.start()
    seen = [-1]
    while seen[-1] < REPLACES - 1:
        assert writer.exitcode in (None, 0)
        record = reader.get("zai", "main")
        assert reader.problem is None
        assert record is not None
        if "n" not in record.material:
            continue
        assert record.material["n"] == record.material["twice"] >= seen[-1]
        assert reader.get("qwen", "second") is not None
        if record.material["n"] != seen[-1]:
            seen.append(record.material["n"])
    writer.join(60)
    assert writer.exitcode == 0
    assert len(seen) > 20
