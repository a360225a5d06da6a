"""The parts of a chat's messages that carry files: where the bytes are, what they are called. Pure.

Nothing is decoded here: a part of 20 MB costs no more than a small one.
"""

import re
from binascii import Error as BadBase64
from binascii import a2b_base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from addons.errors import GatewayError
from addons.features.media.kinds import HEAD_BYTES, Kind, extension_of, kind_of
from providers.contract.chat import ImagePart, MediaKind, Message, OtherPart, Part
from providers.formats.jsontext import mapping, text

NAME_CHARS: Final = 100
_HEAD_CHARS: Final = HEAD_BYTES // 3 * 4
_DATA_HEAD: Final = 200
"""Characters in which a data: URL comes to its data."""
_UNNAMEABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\"\\/:*?<>|%;]+")

type Asked = Literal["image", "audio", "video", "file"]
_PARTS: Final[Mapping[str, tuple[str, Asked]]] = {
    "file": ("file", "file"),
    "input_audio": ("input_audio", "audio"),
    "video_url": ("video_url", "video"),
}
"""Type of a part → its field, and what it claims to hold."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part that carries a file."""

    part: Part
    where: str
    """The part in the client's request, `messages[0].content[1]`."""
    asked: Asked
    """What it claims to hold."""
    name: str = ""
    """As the client calls it, without a folder; mostly nothing."""
    text: str = ""
    """Holds the base64, from `at` on."""
    at: int = 0
    url: str = ""
    """Where the file lies instead."""

    @property
    def most_bytes(self) -> int:
        """The size of the file, to three bytes; 0 where that is not known."""
        return (len(self.text) - self.at) * 3 // 4

    def kind(self) -> Kind:
        """What its first bytes are. Raises GatewayError where that is nothing, or not what it claims."""
        head = without_line_ends(self.text[self.at : self.at + _HEAD_CHARS])
        try:
            data = a2b_base64(head[: len(head) - len(head) % 4], strict_mode=True)
        except (BadBase64, ValueError):
            raise self.refusal("holds no base64") from None
        return self.checked(kind_of(data, self.name))

    def checked(self, found: Kind | None) -> Kind:
        """The kind of its bytes. Raises GatewayError where that is nothing known, or not what it claims."""
        if found is None:
            raise self.refusal(f"holds nothing that could be told to be {_CLAIMS[self.asked]}")
        if self.asked not in ("file", found.kind):
            raise self.refusal(f"is said to be {_CLAIMS[self.asked]}, and holds {found.media_type}")
        return found

    def refusal(self, why: str) -> GatewayError:
        return GatewayError(400, f"{self.where} {why}.", param=self.where, code="invalid_file")

    def file_name(self, kind: MediaKind, extension: str, digest: str) -> str:
        """What the file is called at the site: the client's name, else one of its content's, so that none is twice."""
        if not self.name:
            return f"{kind}-{digest[:8]}.{extension}"
        fits = extension_of(self.name) in _SPELT.get(extension, (extension,))
        return self.name if fits else f"{self.name}.{extension}"


def without_line_ends(text: str) -> str:
    """Base64 as one line; some clients break it into many (RFC 2045)."""
    return text.replace("\r", "").replace("\n", "") if "\n" in text else text


_CLAIMS: Final = {"image": "a picture", "audio": "a sound", "video": "a video", "file": "a file of a known kind"}
_SPELT: Final = {"jpg": ("jpg", "jpeg"), "tiff": ("tif", "tiff")}


def holds_file(part: Part) -> bool:
    """Whether it is one of the kinds of parts that carry files."""
    return isinstance(part, ImagePart) or (isinstance(part, OtherPart) and part.kind in _PARTS)


def file_parts(messages: Sequence[Message], named: str = "", first: int = 0) -> Iterator[FilePart]:
    """All parts of the messages that carry files. Raises GatewayError for one that cannot be read.

    `named`: the field of the client's request that they stand in, where that has no messages; `first`: where in it the
    first of these messages stands.
    """
    for index, message in enumerate(messages, first):
        for at, part in enumerate(message.content if isinstance(message.content, tuple) else ()):
            where = named or f"messages[{index}].content[{at}]"
            if isinstance(part, ImagePart):
                yield _at_address(part, where, "image", part.url, "")
            elif isinstance(part, OtherPart) and part.kind in _PARTS:
                yield _other(part, where)


def _other(part: OtherPart, where: str) -> FilePart:
    name, asked = _PARTS[part.kind]
    held: Any = part.data.get(name)
    held = {"url": held} if isinstance(held, str) else mapping(held)
    if held.get("file_id") is not None:
        told = f"{where}.file.file_id names a file of another service; send the file itself as file.file_data."
        raise GatewayError(400, told, param=f"{where}.file.file_id", code="unsupported_parameter")
    called = _plain_name(text(held.get("filename")))
    data = text(held.get("file_data")) or text(held.get("data")) or text(held.get("url")) or text(held.get("file_url"))
    if asked == "audio" or (asked == "file" and not data[:8].lower().startswith(("data:", "http://", "https://"))):
        return _checked(FilePart(part, where, asked, called, data))
    return _at_address(part, where, asked, data, called)


def _plain_name(filename: str) -> str:
    """A file's name without folders and without what is no part of one."""
    last = filename[-1000:].replace("\\", "/").rpartition("/")[2]
    return _UNNAMEABLE.sub("_", last)[-NAME_CHARS:].strip(". ")


def _at_address(part: Part, where: str, asked: Asked, url: str, name: str) -> FilePart:
    """A part whose file is in a data: URL, or at an http(s) address."""
    scheme = url[:8].lower()
    if scheme.startswith(("http://", "https://")):
        return FilePart(part, where, asked, name, url=url)
    if not scheme.startswith("data:"):
        told = f"{where} needs the file itself as a data: URL with base64 in it, or an http(s) address."
        raise GatewayError(400, told, param=where, code="invalid_file")
    comma = url.find(",", 0, _DATA_HEAD)
    if comma < 0 or not url[:comma].rstrip().lower().endswith(";base64"):
        told = f"{where} holds a data: URL without `;base64,`."
        raise GatewayError(400, told, param=where, code="invalid_file")
    return _checked(FilePart(part, where, asked, name, url, comma + 1))


def _checked(part: FilePart) -> FilePart:
    if len(part.text) - part.at < _LEAST_CHARS:
        raise part.refusal("holds no file")
    return part


_LEAST_CHARS: Final = 4
