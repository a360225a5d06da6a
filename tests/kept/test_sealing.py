"""An item as a sealed file: it comes back as it was, under its own name and key alone."""

import itertools
import json
import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from addons.kept.sealing import HEAD_BYTES, MAGIC, DamagedItem, ForeignItem, Sealing
from addons.kept.shelf import Item, ItemKey

SEALING = Sealing(b"k" * 32, os.urandom)
KEY = ItemKey(b"owner-of-it", "response", "resp_1")
ITEM = Item(b"what was said", 1_800_000_000.5)
TEXTS = st.text(st.characters(), max_size=20)


def sealed(key: ItemKey = KEY, item: Item = ITEM, sealing: Sealing = SEALING) -> tuple[str, bytes]:
    name = sealing.name(key)
    return name, sealing.seal(name, key, item)


@given(
    st.binary(max_size=40),
    TEXTS,
    TEXTS,
    st.binary(max_size=100),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.tuples(TEXTS, TEXTS),
)
def test_an_item_comes_back(
    owner: bytes, kind: str, id: str, value: bytes, since: float, place: tuple[str, str] | None
) -> None:
    key, item = ItemKey(owner, kind, id), Item(value, since, place)
    found, back = SEALING.open(*sealed(key, item))
    assert (found, back.value, back.since, back.place) == (key, value, since, place)


def test_nothing_of_it_can_be_read_in_name_or_file() -> None:
    name, data = sealed()
    shown = name.encode() + data
    assert not any(part in shown for part in (b"resp_1", KEY.owner, KEY.owner.hex().encode(), b"said", b"response"))
    assert len(name) == 32
    assert int(name, 16)


def test_a_name_tells_one_item_from_another_and_is_another_under_another_key() -> None:
    keys = [ItemKey(*one) for one in itertools.product((b"a", b"ab"), ("", "b", "1:b"), ("", "b", "\ud800"))]
    assert len({SEALING.name(key) for key in keys}) == len(keys)
    assert SEALING.name(KEY) == SEALING.name(ItemKey(*KEY)) != Sealing(b"j" * 32, os.urandom).name(KEY)


def test_no_two_files_of_the_same_item_are_alike() -> None:
    assert sealed() != sealed()


def test_that_of_another_vault_key_is_known_as_such() -> None:
    with pytest.raises(ForeignItem):
        Sealing(b"j" * 32, os.urandom).open(*sealed())


def test_every_cut_and_every_changed_byte_is_damage() -> None:
    name, data = sealed()
    for cut in range(len(data)):
        with pytest.raises(DamagedItem):
            SEALING.open(name, data[:cut])
    for at in range(len(data)):
        changed = bytes((*data[:at], data[at] ^ 1, *data[at + 1 :]))
        with pytest.raises(ForeignItem if len(MAGIC) <= at < HEAD_BYTES - 12 else DamagedItem):
            SEALING.open(name, changed)
    with pytest.raises(DamagedItem):
        SEALING.open("0" * 32, data)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"{}\n",
        b"[]\n",
        b"no line end",
        b"\xff\n",
        b"{" * 3000 + b"\n",
        b" " * 20_000 + b"{}\n",
        *(
            json.dumps({"owner": "00", "kind": "a", "id": "b", "since": 1, "place": None} | wrong).encode() + b"\n"
            for wrong in (
                {"owner": "x"},
                {"owner": 1},
                {"kind": 1},
                {"id": None},
                {"since": "now"},
                {"since": 1e999},
                {"place": "ab" * 3},
                {"place": ["a"]},
                {"place": 5},
            )
        ),
    ],
    ids=range(16),
)
def test_what_another_version_means_by_it_is_damage(plain: bytes) -> None:
    name, data = sealed()
    start, nonce = data[: HEAD_BYTES - 12], data[HEAD_BYTES - 12 : HEAD_BYTES]
    with pytest.raises(DamagedItem):
        SEALING.open(name, start + nonce + AESGCM(SEALING.key).encrypt(nonce, plain, start + name.encode()))


def test_the_key_is_not_shown() -> None:
    assert "kkk" not in repr(SEALING)
