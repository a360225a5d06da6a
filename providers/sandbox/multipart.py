"""Uploads as browsers send them: the one file of a multipart body. Pure."""

import re
from dataclasses import dataclass

from providers.sandbox.server import Request


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str
    content_type: str
    data: bytes

    @property
    def extension(self) -> str:
        return self.filename.rpartition(".")[2].lower() if "." in self.filename else ""


def one_file(request: Request, field: str = "file") -> Part | None:
    """The file of the body, in a part of that name; None where there is none or anything else stands beside it."""
    parts = parts_of(request)
    if len(parts) != 1 or parts[0].name != field or not parts[0].filename:
        return None
    return parts[0]


def parts_of(request: Request) -> list[Part]:
    """The parts of the body; none where it is no multipart body or has no end."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    boundary = re.search(r'boundary="?([^";,\s]{1,70})"?', parameters)
    if kind.strip().lower() != "multipart/form-data" or boundary is None:
        return []
    pieces = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    if len(pieces) < 3 or pieces[0].strip() or not pieces[-1].startswith(b"--"):
        return []
    return [part for piece in pieces[1:-1] if (part := _part(piece)) is not None]


def _part(piece: bytes) -> Part | None:
    head, blank, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    named = dict(re.findall(r'(\w+\*?)="((?:[^"\\]|\\.)*)"', fields.get("content-disposition", "")))
    if not blank or "name" not in named:
        return None
    filename = named.get("filename", "").replace('\\"', '"').replace("%22", '"')
    return Part(named["name"], filename, fields.get("content-type", ""), data)
