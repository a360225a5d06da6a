"""Key derivation: HKDF for keys, and three slow functions for passphrases with bounds on their cost."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from addons.vault.encoding import b64, unb64
from addons.vault.errors import VaultDamaged, VaultLocked, VaultWeak

DEFAULT_KDF: Final = "argon2id"

_FRESH: Final[Mapping[str, Mapping[str, int]]] = {
    "argon2id": {"m_kib": 65536, "t": 3, "p": 4},  # RFC 9106 section 4, the second recommended option
    "scrypt": {"n": 2**17, "r": 8, "p": 1},
    "pbkdf2-sha256": {"rounds": 600_000},
}

_BOUNDS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    "argon2id": {"m_kib": (19 * 1024, 1024 * 1024), "t": (2, 16), "p": (1, 16)},
    "scrypt": {"n": (2**17, 2**20), "r": (8, 8), "p": (1, 16)},
    "pbkdf2-sha256": {"rounds": (600_000, 10_000_000)},
}
"""Least and most of each parameter. Below, a thief guesses cheaply (OWASP); above, opening is an attack on us."""

_FLOORS: Final[Mapping[str, int]] = {"m_kib": 128, "t": 1, "p": 1, "n": 2**10, "r": 8, "rounds": 1000}
"""What a person may allow at their own risk. Argon2 itself needs 8 KiB a lane (RFC 9106 section 3.1)."""


COST_LIMIT: Final = 8192
"""Most that all slots of a file may cost together, in MiB that Argon2id fills once: some ten seconds. Sixteen fresh
slots of any kind cost half of it; who holds a wrong key, or the last slot's, derives for every one of them."""

_PBKDF2_ROUNDS_A_MIB: Final = 6000
"""Rounds of PBKDF2 that take as long as Argon2id takes to fill a MiB."""
_SCRYPT_PASSES: Final = 2
"""scrypt writes its memory once and reads it once."""


def hkdf(key: bytes, info: str | bytes, salt: bytes | None = None) -> bytes:
    """HKDF-SHA256, 32 bytes."""
    return HKDF(SHA256(), 32, salt, info.encode() if isinstance(info, str) else info).derive(key)


def new_kdf(random: Callable[[int], bytes], name: str = DEFAULT_KDF) -> dict[str, Any]:
    """Fresh parameters for a passphrase slot: argon2id (scrypt where the library lacks it), scrypt or pbkdf2-sha256."""
    if name == "argon2id" and not _has_argon2id():
        name = "scrypt"
    return {"name": name, **_FRESH[name], "salt": b64(random(16))}


def checked_kdf(kdf: Mapping[str, Any], *, allow_weak: bool = False) -> Mapping[str, Any]:
    """The parameters if they are complete and within bounds; else VaultDamaged or VaultWeak, in no time."""
    name = kdf.get("name")
    bounds = _BOUNDS.get(name) if isinstance(name, str) else None
    if bounds is None or set(kdf) != {"name", "salt", *bounds}:
        raise VaultDamaged("slot kdf")
    for parameter, (least, most) in bounds.items():
        value = kdf[parameter]
        if not isinstance(value, int) or isinstance(value, bool) or not _FLOORS[parameter] <= value <= most:
            raise VaultDamaged(f"slot kdf {parameter} out of bounds")
        if value < least and not allow_weak:
            raise VaultWeak(f"slot kdf {parameter}")
    if name == "scrypt" and kdf["n"] & (kdf["n"] - 1):
        raise VaultDamaged("slot kdf n is not a power of two")
    unb64(kdf["salt"], "slot kdf salt", 16)
    return kdf


def cost(kdf: Mapping[str, Any]) -> int:
    """The cost of deriving by checked parameters, in the unit of COST_LIMIT."""
    match kdf["name"]:
        case "argon2id":
            return int(kdf["m_kib"] * kdf["t"] // 1024)
        case "scrypt":  # 128 * n * r bytes (RFC 7914 section 2)
            return int(128 * kdf["n"] * kdf["r"] * kdf["p"] * _SCRYPT_PASSES // 2**20)
        case _:
            return int(kdf["rounds"] // _PBKDF2_ROUNDS_A_MIB)


def is_weak(kdf: Mapping[str, Any]) -> bool:
    """Whether a checked slot's parameters are below what is taken without leave."""
    return any(kdf[parameter] < least for parameter, (least, _) in _BOUNDS[kdf["name"]].items())


def derive(passphrase: bytes, kdf: Mapping[str, Any]) -> bytes:
    """32 bytes from a passphrase by checked parameters. Raises VaultLocked where this machine cannot."""
    salt = unb64(kdf["salt"], "slot kdf salt", 16)
    try:
        match kdf["name"]:
            case "argon2id":
                memory, passes, lanes = kdf["m_kib"], kdf["t"], kdf["p"]
                function = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
                return function.derive(passphrase)
            case "scrypt":
                return Scrypt(salt=salt, length=32, n=kdf["n"], r=kdf["r"], p=kdf["p"]).derive(passphrase)
            case _:
                return PBKDF2HMAC(SHA256(), 32, salt, kdf["rounds"]).derive(passphrase)
    except UnsupportedAlgorithm:
        raise VaultLocked(f"this Python's cryptography library has no {kdf['name']}; use its usual wheel") from None
    except MemoryError:
        raise VaultLocked(f"there is not enough memory for {kdf['name']} with the vault's parameters") from None


def _has_argon2id() -> bool:
    try:
        Argon2id(salt=bytes(16), length=32, iterations=2, lanes=1, memory_cost=19 * 1024)
    except UnsupportedAlgorithm:
        return False
    return True
