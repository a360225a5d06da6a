"""Reading and writing: compare-and-swap, taking up changes, and keeping what was good."""

import copy
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from addons.vault import format as vault_format
from addons.vault.encoding import b64
from addons.vault.errors import (
    VaultConflict,
    VaultDamaged,
    VaultError,
    VaultMissing,
    VaultRefused,
    VaultVersion,
    WrongKey,
)
from addons.vault.format import Document
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.vault.support import RAW, SECRET, body_of, edited


def token(vault: Vault, provider: str = "zai", account: str = "main") -> str | None:
    record = vault.get(provider, account)
    return record.material["token"] if record else None


def overwrite(path: Path, data: bytes) -> None:
    """Another file in the vault's place, as an editor or a restored backup puts it there."""
    other = path.with_name("other")
    other.touch(0o600)
    other.write_bytes(data)
    os.replace(other, path)


def test_what_was_put_in_comes_out_in_another_process_too(vault: Vault) -> None:
    found = Vault.open(vault.path, RAW).get("zai", "main")
    assert found is not None
    assert found.material == SECRET
    assert (found.rev, found.updated) == (1, 1_700_000_000)
    assert Vault.open(vault.path, RAW).get("zai", "other") is None


def test_a_record_does_not_change_with_what_the_caller_does_to_it(vault: Vault) -> None:
    material = copy.deepcopy(SECRET)
    stored = vault.put("zai", "main", material)
    material["cookies"]["a"] = "changed"
    assert stored.material == SECRET
    assert vault.get("zai", "main") == stored


def test_compare_and_swap(vault: Vault) -> None:
    with pytest.raises(VaultConflict, match="revision 1, not 7"):
        vault.put("zai", "main", SECRET, expected_rev=7)
    with pytest.raises(VaultConflict):
        vault.put("zai", "main", SECRET, expected_rev=0)
    with pytest.raises(VaultConflict):
        vault.put("zai", "new", SECRET, expected_rev=1)
    assert vault.put("zai", "main", SECRET, expected_rev=1).rev == 2
    assert vault.put("zai", "new", SECRET, expected_rev=0).account == "new"


def test_a_conflict_is_seen_by_who_read_before_somebody_else_wrote(vault: Vault) -> None:
    other = Vault.open(vault.path, RAW, sync=False)
    other.put("zai", "main", {**SECRET, "token": "newer"}, expected_rev=1)
    with pytest.raises(VaultConflict):
        vault.put("zai", "main", {**SECRET, "token": "lost update"}, expected_rev=1)
    assert token(vault) == "newer"


def test_a_revision_does_not_come_back_after_removing(vault: Vault) -> None:
    """Else a process that still knows revision 1 would write over a session that is not the one it read."""
    old = vault.get("zai", "main")
    assert old is not None
    vault.remove("zai", "main")
    again = vault.put("zai", "main", {**SECRET, "token": "signed in anew"}, expected_rev=0)
    assert again.rev > old.rev
    with pytest.raises(VaultConflict):
        vault.put("zai", "main", SECRET, expected_rev=old.rev)


def test_removing(vault: Vault) -> None:
    assert vault.remove("zai", "main")
    assert not vault.remove("zai", "main")
    assert list(Vault.open(vault.path, RAW).records()) == [("qwen", "second")]


def test_generations_count_writes(vault: Vault) -> None:
    start = body_of(vault.path)["generation"]
    vault.put("zai", "main", SECRET)
    vault.remove("zai", "main")
    vault.remove("zai", "main")
    assert body_of(vault.path)["generation"] == start + 2


def test_a_vault_is_not_made_over_a_file(vault: Vault) -> None:
    before = vault.path.read_bytes()
    with pytest.raises(VaultConflict):
        Vault.create(vault.path, RAW)
    assert vault.path.read_bytes() == before


def test_a_missing_vault_is_named(folder: Path) -> None:
    for path in (folder / "none.json", folder / "no folder" / "none.json"):
        with pytest.raises(VaultMissing, match="no vault at"):
            Vault.open(path, RAW)
        with pytest.raises(VaultMissing):
            Vault(path, RAW, os.urandom, lambda: 0, False).put("zai", "main", SECRET)
    assert not (folder / "no folder").exists()


@pytest.mark.parametrize("clock", [-1e9, 0.0, 1.5, 4e9])
def test_the_clock_decides_nothing(vault: Vault, clock: float) -> None:
    odd = Vault.open(vault.path, RAW, now=lambda: clock, sync=False)
    record = odd.put("zai", "main", {**SECRET, "token": "newer"}, expected_rev=1)
    assert record.rev == 2
    assert token(vault) == "newer"


def test_every_write_asks_for_a_new_nonce(folder: Path) -> None:
    given: list[bytes] = []

    def random(size: int) -> bytes:
        given.append(os.urandom(size))
        return given[-1]

    vault = Vault.create(folder / "vault.json", RAW, random=random, sync=False)
    seen = set()
    for _ in range(50):
        given.clear()
        vault.put("zai", "main", SECRET)
        (record,) = body_of(vault.path)["records"].values()
        assert record["nonce"] in [b64(value) for value in given if len(value) == 12]
        seen.add((record["nonce"], record["ct"]))
    assert len({nonce for nonce, _ in seen}) == len({ct for _, ct in seen}) == 50
    assert len({os.urandom(12) for _ in range(10**6)}) == 10**6


@pytest.mark.parametrize("name", ["", "a\nb", "\ud800", "x" * 201, "\x1b[2J"], ids=ascii)
def test_names_that_are_none_are_refused(vault: Vault, name: str) -> None:
    for names in ((name, "main"), ("zai", name)):
        with pytest.raises(VaultRefused):
            vault.put(*names, SECRET)
        with pytest.raises(VaultRefused):
            vault.remove(*names)


def test_names_with_slashes_do_not_run_into_each_other(vault: Vault) -> None:
    vault.put("a/b", "c", {"token": "one"})
    vault.put("a", "b/c", {"token": "two"})
    assert [vault.records()[name].material["token"] for name in (("a/b", "c"), ("a", "b/c"))] == ["one", "two"]


# -- taking up what others wrote --------------------------------------------------------------------------------------
def test_a_changed_file_is_taken_up(vault: Vault) -> None:
    reader = Vault.open(vault.path, RAW)
    assert not reader.changed()
    vault.put("zai", "main", {**SECRET, "token": "newer"})
    assert reader.changed()
    assert token(reader) == "newer"
    assert not reader.changed()


def test_a_write_of_ones_own_is_not_read_again(vault: Vault) -> None:
    vault.put("zai", "main", SECRET)
    assert not vault.changed()


def test_a_file_of_the_same_size_and_time_is_taken_up(vault: Vault) -> None:
    reader = Vault.open(vault.path, RAW)
    before = vault.path.stat()
    vault.put("zai", "main", {**SECRET, "token": "the-newer--token"})
    os.utime(vault.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert vault.path.stat().st_size == before.st_size
    assert token(reader) == "the-newer--token"


BAD: dict[str, tuple[Any, type[VaultError]]] = {
    "cut": (lambda path: path.read_bytes()[:-20], VaultDamaged),
    "empty": (lambda path: b"", VaultDamaged),
    "edited": (lambda path: edited(path, lambda body: body.update(generation=99)), VaultDamaged),
    "newer format": (lambda path: edited(path, lambda body: body.update(version=2)), VaultVersion),
    "over 16 MiB": (lambda path: b"{" + b" " * 2**24, VaultDamaged),
}


@pytest.mark.parametrize(("spoil", "error"), BAD.values(), ids=BAD)
def test_a_bad_file_does_not_take_the_known_sessions_away(vault: Vault, spoil: Any, error: type[VaultError]) -> None:
    good, bad = vault.path.read_bytes(), spoil(vault.path)
    overwrite(vault.path, bad)
    assert token(vault) == "the-secret-token"
    assert isinstance(vault.problem, error)
    for write in (lambda: vault.put("zai", "main", SECRET), lambda: vault.remove("zai", "main")):
        with pytest.raises(error):
            write()
    with pytest.raises(error):
        Vault.open(vault.path, RAW)
    assert vault.path.read_bytes() == bad
    overwrite(vault.path, good)
    assert token(vault) == "the-secret-token"
    assert vault.problem is None


def test_a_vault_of_another_key_does_not_take_the_known_sessions_away(vault: Vault, folder: Path) -> None:
    other = Vault.create(folder / "foreign.json", VaultKey(raw=bytes(32)), sync=False)
    os.replace(other.path, vault.path)
    assert token(vault) == "the-secret-token"
    assert isinstance(vault.problem, WrongKey)


def test_a_removed_file_does_not_take_the_known_sessions_away(vault: Vault) -> None:
    aside = vault.path.rename(vault.path.with_name("aside"))
    assert token(vault) == "the-secret-token"
    assert isinstance(vault.problem, VaultMissing)
    aside.rename(vault.path)
    assert token(vault) == "the-secret-token"
    assert vault.problem is None


def test_a_mode_set_wrong_and_right_again_is_noticed_both_times(vault: Vault) -> None:
    vault.path.chmod(0o644)
    assert token(vault) == "the-secret-token"
    assert "chmod 600" in str(vault.problem)
    vault.path.chmod(0o600)
    vault.records()
    assert vault.problem is None


def test_a_bad_file_is_looked_at_once_and_not_at_every_request(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a passphrase each look at a file with other salts would cost a slow derivation."""
    looks: list[int] = []

    def counted(data: bytes, *given: Any) -> Document:
        looks.append(len(data))
        return vault_format.read(data, *given)

    monkeypatch.setattr("addons.vault.store.vault_format", SimpleNamespace(**{**vars(vault_format), "read": counted}))
    overwrite(vault.path, b"{}")
    for _ in range(5):
        assert token(vault) == "the-secret-token"
        assert isinstance(vault.problem, VaultDamaged)
    assert looks == [2]


def test_what_is_wrong_with_one_session_keeps_none_of_the_others(vault: Vault) -> None:
    before = vault.facts().generation
    made = vault.put_all(
        {
            ("zai", "main"): ({**SECRET, "token": "new"}, 1),
            ("zai", "stale"): (SECRET, 7),
            ("zai", "odd"): ({"token": b"no JSON"}, None),
            ("zai", ""): (SECRET, None),
            ("zai", "fresh"): (SECRET, 0),
        }
    )
    kinds = {key: type(found).__name__ for (_, key), found in made.items()}
    assert kinds == {
        "main": "Record", "stale": "VaultConflict", "odd": "VaultRefused", "": "VaultRefused", "fresh": "Record",
    }  # fmt: skip
    assert vault.facts().generation == before + 1
    found = Vault.open(vault.path, RAW, sync=False)
    assert (token(found), token(found, account="fresh")) == ("new", "the-secret-token")
    assert ("zai", "odd") not in found.known


def test_where_all_is_wrong_nothing_is_written(vault: Vault) -> None:
    before = vault.path.read_bytes()
    assert isinstance(vault.put_all({("zai", "main"): (SECRET, 7)})["zai", "main"], VaultConflict)
    assert vault.path.read_bytes() == before


def test_a_file_that_was_only_touched_is_the_same_vault(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    known = vault.known
    monkeypatch.setattr(vault_format, "parse_canonical", lambda _: pytest.fail("it was read"))
    os.utime(vault.path, ns=(1, 1))
    assert vault.changed()
    assert vault.records() is known
    assert not vault.changed()


def test_what_has_not_changed_is_not_decrypted_anew(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        vault.put("zai", f"account-{number}", SECRET)
    decrypted: list[str] = []
    plain = vault_format.open_record

    def counted(document: Document, record_id: str) -> Any:
        decrypted.append(record_id)
        return plain(document, record_id)

    monkeypatch.setattr(vault_format, "open_record", counted)
    before = vault.known
    vault.put("zai", "account-3", {**SECRET, "token": "ours"})
    assert len(decrypted) == 1
    assert all(vault.known[key] is before[key] for key in before if key != ("zai", "account-3"))
    other = Vault.open(vault.path, RAW, sync=False)
    other.put("zai", "account-4", {**SECRET, "token": "by another process"})
    decrypted.clear()
    assert token(vault, account="account-4") == "by another process"
    assert len(decrypted) == 1


def test_with_another_data_key_all_is_decrypted_anew(vault: Vault) -> None:
    before = dict(vault.known)
    Vault.open(vault.path, RAW, sync=False).rotate_data_key()
    assert vault.records() == before
    assert all(vault.known[key] is not before[key] for key in before)


def test_a_slow_reader_does_not_undo_a_writer(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway reads in one thread while it stores a renewed session in another."""
    Vault.open(vault.path, RAW, sync=False).put("zai", "main", {**SECRET, "token": "by another process"})
    read, go_on = threading.Event(), threading.Event()
    take = Vault._take

    def slow(self: Vault, *found: Any) -> None:
        if not read.is_set():
            read.set()
            assert go_on.wait(60)
        take(self, *found)

    monkeypatch.setattr(Vault, "_take", slow)
    reader = threading.Thread(target=vault.refresh)
    reader.start()
    assert read.wait(60)
    writer = threading.Thread(target=vault.put, args=("zai", "main", {**SECRET, "token": "renewed"}))
    writer.start()
    writer.join(0.3)  # it would be done by then, if it did not have to wait
    go_on.set()
    reader.join()
    writer.join()
    assert vault.known["zai", "main"].material["token"] == "renewed"
