import os
from typing import Any

import pytest

from addons.vault import kdf
from addons.vault.encoding import b64
from addons.vault.errors import VaultDamaged, VaultLocked, VaultWeak
from addons.vault.kdf import checked_kdf, derive, hkdf, is_weak, new_kdf
from addons.vault.keys import VaultKey
from tests.vault.support import WORDS, noise


def test_hkdf_as_in_rfc_5869() -> None:
    """Appendix A.1 and A.3, first 32 bytes."""
    salt, info = bytes(range(13)), bytes(range(0xF0, 0xFA))
    assert hkdf(b"\x0b" * 22, info, salt).hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    assert hkdf(b"\x0b" * 22, "").hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


@pytest.mark.parametrize("name", ["argon2id", "scrypt", "pbkdf2-sha256"])
def test_fresh_parameters_are_within_bounds_and_salted_anew(name: str) -> None:
    random = noise()
    assert checked_kdf(new_kdf(random, name))["name"] == name
    assert new_kdf(random, name)["salt"] != new_kdf(random, name)["salt"]


def test_scrypt_stands_in_where_there_is_no_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kdf, "_has_argon2id", lambda: False)
    assert new_kdf(noise())["name"] == "scrypt"


BAD: dict[str, tuple[str, dict[str, Any]]] = {
    "argon2 memory bomb": ("argon2id", {"m_kib": 2**31}),
    "argon2 time bomb": ("argon2id", {"t": 10**6}),
    "argon2 lanes": ("argon2id", {"p": 17}),
    "argon2 too little memory": ("argon2id", {"m_kib": 19 * 1024 - 1}),
    "argon2 one pass": ("argon2id", {"t": 1}),
    "argon2 no lane": ("argon2id", {"p": 0}),
    "a number that is true": ("argon2id", {"p": True}),
    "a number that is text": ("argon2id", {"t": "3"}),
    "a number that is none": ("argon2id", {"t": None}),
    "scrypt bomb": ("scrypt", {"n": 2**21}),
    "scrypt too cheap": ("scrypt", {"n": 2**16}),
    "scrypt no power of two": ("scrypt", {"n": 2**17 + 1}),
    "scrypt other block": ("scrypt", {"r": 16}),
    "pbkdf2 too few rounds": ("pbkdf2-sha256", {"rounds": 599_999}),
    "pbkdf2 bomb": ("pbkdf2-sha256", {"rounds": 10**9}),
    "unknown name": ("argon2id", {"name": "md5"}),
    "name that is a list": ("argon2id", {"name": []}),
    "foreign parameter": ("argon2id", {"rounds": 1}),
    "short salt": ("argon2id", {"salt": b64(bytes(8))}),
    "no salt": ("argon2id", {"salt": None}),
}


@pytest.mark.parametrize(("name", "change"), BAD.values(), ids=BAD)
def test_bombs_and_weak_parameters_are_refused_before_deriving(
    name: str, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addons.vault.keys.derive", lambda *_: pytest.fail("the KDF ran"))
    with pytest.raises(VaultDamaged, match="kdf"):
        VaultKey(passphrase=WORDS).kek(bytes(16), {**new_kdf(os.urandom, name), **change})


def test_missing_parameters_are_damage() -> None:
    for name in ("t", "salt", "name"):
        parameters = new_kdf(os.urandom)
        del parameters[name]
        with pytest.raises(VaultDamaged, match="kdf"):
            checked_kdf(parameters)


def test_a_machine_without_the_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hungry:
        def __init__(self, **_: Any) -> None: ...

        def derive(self, _: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(kdf, "Argon2id", Hungry)
    with pytest.raises(VaultLocked, match="memory"):
        derive(b"words", new_kdf(os.urandom, "argon2id"))


WEAK: dict[str, tuple[str, dict[str, Any], bool]] = {
    "argon2 memory": ("argon2id", {"m_kib": 19 * 1024 - 1}, True),
    "argon2 passes": ("argon2id", {"t": 1}, True),
    "scrypt": ("scrypt", {"n": 2**16}, True),
    "pbkdf2": ("pbkdf2-sha256", {"rounds": 599_999}, True),
    "argon2 without memory": ("argon2id", {"m_kib": 127}, False),
    "argon2 bomb": ("argon2id", {"t": 17}, False),
    "scrypt without cost": ("scrypt", {"n": 2**9}, False),
    "scrypt bomb": ("scrypt", {"n": 2**21}, False),
    "pbkdf2 without cost": ("pbkdf2-sha256", {"rounds": 999}, False),
    "pbkdf2 bomb": ("pbkdf2-sha256", {"rounds": 10**9}, False),
}


@pytest.mark.parametrize(("name", "change", "with_leave"), WEAK.values(), ids=WEAK)
def test_leave_opens_cheap_parameters_and_no_others(name: str, change: dict[str, Any], with_leave: bool) -> None:
    kdf = {**new_kdf(os.urandom, name), **change}
    with pytest.raises(VaultWeak if with_leave else VaultDamaged) as caught:
        checked_kdf(kdf)
    assert type(caught.value) is (VaultWeak if with_leave else VaultDamaged)
    if with_leave:
        assert is_weak(checked_kdf(kdf, allow_weak=True))
        assert len(derive(b"words", kdf)) == 32
    else:
        with pytest.raises(VaultDamaged):
            checked_kdf(kdf, allow_weak=True)


@pytest.mark.parametrize("name", ["argon2id", "scrypt", "pbkdf2-sha256"])
def test_what_is_made_is_not_weak(name: str) -> None:
    assert not is_weak(new_kdf(os.urandom, name))
