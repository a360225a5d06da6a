"""Managed keys: their file is taken whole or not at all, and a key is found by what its client shows."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.keys import managed
from addons.keys.limits import NO_LIMITS, KeyLimits, budget_of
from addons.keys.managed import KeysProblem, ManagedKey, ManagedSet, hash_of
from addons.vault.encoding import b64, canonical
from tests.support.counting import work_of

VAULT, SECRET = b"v" * 16, b"s" * 32
LIMITS = KeyLimits(("GLM-*",), 30, 2_000_000, budget_of("5.00/month"), 4, 2e9)


def key(name: str = "ada", token: str = "sk-ada", limits: KeyLimits = NO_LIMITS) -> ManagedKey:
    return ManagedKey(name, name.encode().ljust(16, b"."), hash_of(token, SECRET), 1e9, limits, "a note")


def test_a_file_reads_as_it_was_written() -> None:
    keys = (key(), key("bob", "sk-bob", LIMITS), key("c").rotated(b"n" * 32, 5.0, 10.0))
    data = managed.write(keys, VAULT, SECRET)
    assert managed.read(data, VAULT, SECRET) == keys
    assert b"sk-" not in data
    assert managed.read(managed.write((), VAULT, SECRET), VAULT, SECRET) == ()


@pytest.mark.parametrize(
    ("vault", "secret", "said"),
    [(b"w" * 16, SECRET, "another vault"), (VAULT, b"t" * 32, "seal"), (VAULT, b"", "older than the file")],
)
def test_a_file_of_another_vault_is_refused(vault: bytes, secret: bytes, said: str) -> None:
    with pytest.raises(KeysProblem, match=said):
        managed.read(managed.write((key(),), VAULT, SECRET), vault, secret)


def test_more_is_allowed_to_nobody_who_edits_the_file() -> None:
    body = json.loads(managed.write((key("ada", "sk-ada", LIMITS),), VAULT, SECRET))
    body["keys"][0]["limits"]["rpm"] = 1000
    with pytest.raises(KeysProblem, match="seal"):
        managed.read(canonical(body), VAULT, SECRET)


@given(st.integers(0, 900), st.binary(max_size=3))
def test_a_damaged_file_is_refused_whole(at: int, other: bytes) -> None:
    data = managed.write((key(), key("bob", "sk-bob", LIMITS)), VAULT, SECRET)
    damaged = data[:at] + other + data[at + 1 :]
    if damaged.strip() != data.strip():
        with pytest.raises(KeysProblem):
            managed.read(damaged, VAULT, SECRET)


def sealed(**changed: Any) -> bytes:
    body = json.loads(managed.write((key("ada", "sk-ada", LIMITS),), VAULT, SECRET))
    body["keys"][0] |= changed
    del body["seal"]
    return canonical({**body, "seal": b64(managed._seal(body, SECRET))})


@pytest.mark.parametrize(
    "changed",
    [
        {"name": 1}, {"more": 1}, {"created": "x"}, {"created": True}, {"created": 1e300}, {"previous": 3},
        {"limits": {"rpm": 0}}, {"limits": {"odd": 1}}, {"hash": "AA"}, {"limits": {"models": 4}},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_a_key_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(KeysProblem, match="cannot be read"):
        managed.read(sealed(**changed), VAULT, SECRET)
    assert managed.read(sealed(), VAULT, SECRET) == (key("ada", "sk-ada", LIMITS),)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 99, b'{"format":"glassgate-keys","version":2}'])
def test_what_is_no_file_of_keys_is_refused(data: bytes) -> None:
    with pytest.raises(KeysProblem, match="managed keys"):
        managed.read(data, VAULT, SECRET)


def test_a_key_is_found_by_what_is_shown_and_told_of_once() -> None:
    seen: list[str] = []
    known = ManagedSet((key(), key("bob", "sk-bob")), SECRET, seen.append)
    assert known.find("sk-bob", 0.0) == known.find("sk-bob", 0.0) == key("bob", "sk-bob")
    assert (known.find("sk-eve", 0.0), known.find("", 0.0), ManagedSet().find("sk-ada", 0.0)) == (None, None, None)
    assert known.find("\udcff", 0.0) is None
    assert seen == ["sk-bob"]
    assert ManagedSet((key(),), b"t" * 32).find("sk-ada", 0.0) is None


def test_the_old_one_is_good_for_its_grace() -> None:
    fresh = hash_of("sk-new", SECRET)
    known = ManagedSet((key().rotated(fresh, 100.0, 50.0),), SECRET)
    assert [known.find("sk-ada", now) is not None for now in (100.0, 149.9, 150.0)] == [True, True, False]
    assert known.find("sk-new", 1e9) is not None
    at_once = ManagedSet((key().rotated(fresh, 100.0, 0.0),), SECRET)
    assert at_once.find("sk-ada", 100.0) is None
    assert at_once.identities == known.identities == {key().identity}
    assert replace(key(), id=b"x" * 16).identity != key().identity


def test_many_keys_cost_no_more_than_few() -> None:
    def work(count: int) -> int:
        known = ManagedSet([key(f"k{number}", f"sk-{number}") for number in range(count)], SECRET)
        return work_of(lambda: known.find("sk-none", 0.0))[1]

    assert work(1000) == work(10)
