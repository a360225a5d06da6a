import os
from typing import Any

import pytest

from addons.vault import kdf
from addons.vault.encoding import b64
from addons.vault.errors import VaultDamaged, VaultLocked
from addons.vault.kdf import checked_kdf, derive, hkdf, new_kdf
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
