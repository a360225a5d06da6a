"""The backup file: a tar archive (ustar) of known names and bounded sizes, with a manifest of sums as its first member.

    glassgate-backup.json   {"glassgate_backup": 1, "version": "0.1.0", "made": 1795750000,
                             "files": {"vault.json": {"size": 1234, "sha256": "…"}, …}}

Any tar can unpack it. It is read here block by block: no name, size or kind of a member is believed that this page does
not list, so that a forged one can neither name a path nor fill the memory.
"""

import errno
import hashlib
import json
import os
import secrets
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

MANIFEST: Final = "glassgate-backup.json"
CONFIG: Final = "config.yaml"
ENV: Final = ".env"
VAULT: Final = "vault.json"
KEYS: Final = "keys.json"
ACCOUNTS: Final = "accounts.json"
USAGE: Final = "usage.db"
LIMITS: Final[Mapping[str, int]] = {
    CONFIG: 1 << 20,
    ENV: 1 << 20,
    VAULT: 64 << 20,
    KEYS: 16 << 20,
    ACCOUNTS: 16 << 20,
    USAGE: 4 << 30,
}
"""Bytes of each file that may be in it; the ledger alone is read in pieces."""
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
"""What disks say that know no second name of a file: those of sticks and shares."""
_FORMAT: Final = 1
_MANIFEST_LIMIT: Final = 64 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE
_PIECE: Final = 1 << 20
_LATEST_S: Final = 1 << 37
"""A time in the year 6325, which every clock can tell."""


class ArchiveProblem(Exception):
    """The file is no backup that can be used, or a file is no part of one; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the archive says of itself."""

    version: str
    made: int
    """Unix seconds."""
    sums: Mapping[str, tuple[int, str]]
    """Size and sha256 of each member."""


def write_archive(path: Path, files: Mapping[str, Path], version: str, made: int) -> Manifest:
    """Writes the files as one, mode 0600, whole or not at all; never over a file that is there.

    Raises ArchiveProblem, OSError.
    """
    if os.path.lexists(path):
        raise ArchiveProblem(f"there is a file {path} already")
    manifest = Manifest(version, made, {name: _sum_of(name, file) for name, file in files.items()})
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(9)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            _write(out, manifest, files)
            out.flush()
            os.fsync(out.fileno())
        _put(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return manifest


def _put(made: Path, path: Path) -> None:
    """Gives a file its name; fails where another has come meanwhile. Raises OSError."""
    try:
        os.link(made, path)
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.replace(made, path)


def read_archive(path: Path, large: Callable[[str], IO[bytes]]) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and the small members, each as its sum says. `large` opens where the ledger goes.

    Raises ArchiveProblem, OSError.
    """
    with path.open("rb") as file:
        name, size = _header(file, {MANIFEST: _MANIFEST_LIMIT})
        manifest = _manifest(b"".join(_pieces(file, size)))
        found: dict[str, bytes] = {}
        told = dict(manifest.sums)
        while told:
            name, size = _header(file, LIMITS)
            if told.pop(name, (0, ""))[0] != size:
                raise ArchiveProblem(f"{name} is not as its manifest says")
            digest = hashlib.sha256()
            if name == USAGE:
                with large(name) as out:
                    for piece in _pieces(file, size):
                        digest.update(piece)
                        out.write(piece)
            else:
                found[name] = b"".join(_pieces(file, size))
                digest.update(found[name])
            if digest.hexdigest() != manifest.sums[name][1]:
                raise ArchiveProblem(f"{name} is damaged: its sum is not the manifest's")
        return manifest, found


def _sum_of(name: str, file: Path) -> tuple[int, str]:
    """Raises ArchiveProblem, OSError."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
        size = opened.tell()
    if size > LIMITS[name]:
        raise ArchiveProblem(f"{file} is larger than a backup holds ({LIMITS[name] >> 20} MB)")
    return size, digest.hexdigest()


def _write(out: IO[bytes], manifest: Manifest, files: Mapping[str, Path]) -> None:
    sums = {name: {"size": size, "sha256": digest} for name, (size, digest) in manifest.sums.items()}
    told = {"glassgate_backup": _FORMAT, "version": manifest.version, "made": manifest.made, "files": sums}
    data = json.dumps(told, indent=1).encode() + b"\n"
    _begin(out, MANIFEST, len(data), manifest.made)
    out.write(data + bytes(-len(data) % _BLOCK))
    for name, file in files.items():
        size, digest = manifest.sums[name]
        _begin(out, name, size, manifest.made)
        written = hashlib.sha256()
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                written.update(piece)
                out.write(piece)
        if written.hexdigest() != digest:
            raise ArchiveProblem(f"{file} was changed meanwhile; try again")
        out.write(bytes(-size % _BLOCK))
    out.write(bytes(2 * _BLOCK))


def _begin(out: IO[bytes], name: str, size: int, made: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, made
    out.write(info.tobuf(tarfile.USTAR_FORMAT))


def _header(file: IO[bytes], limits: Mapping[str, int]) -> tuple[str, int]:
    """The name and size of the next member. Raises ArchiveProblem."""
    try:
        info = tarfile.TarInfo.frombuf(file.read(_BLOCK), "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError):
        raise ArchiveProblem("it is no backup of Glassgate's, or its end is missing") from None
    if info.type != tarfile.REGTYPE or info.name not in limits or not 0 <= info.size <= limits[info.name]:
        raise ArchiveProblem("it holds something that no backup of Glassgate's has")
    return info.name, info.size


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The content, padding read. Raises ArchiveProblem where the file ends before."""
    left = size
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise ArchiveProblem("its end is missing")
        left -= len(piece)
        yield piece
    file.read(-size % _BLOCK)


def _manifest(data: bytes) -> Manifest:
    """Raises ArchiveProblem."""
    try:
        raw: Any = json.loads(data)
        if raw["glassgate_backup"] != _FORMAT:
            raise ArchiveProblem("it was made by a newer Glassgate, and cannot be read by this one")
        sums = {str(name): (int(one["size"]), str(one["sha256"])) for name, one in raw["files"].items()}
        manifest = Manifest(str(raw["version"])[:40], int(raw["made"]), sums)
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError):
        raise ArchiveProblem("its manifest cannot be read") from None
    if not 0 <= manifest.made <= _LATEST_S:
        raise ArchiveProblem("its manifest cannot be read")
    if not sums.keys() <= LIMITS.keys():
        raise ArchiveProblem("it holds something that no backup of Glassgate's has")
    return manifest
