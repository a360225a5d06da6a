"""Parts of messages as content blocks of the Messages form: text, pictures, documents."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from providers.contract.chat import AttachedPart, ImagePart, OtherPart, Part, TextPart
from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import mapping, text

type Block = dict[str, Any]

_DATA_URL: Final = re.compile(r"data:([\w.+-]{1,60}/[\w.+-]{1,60})?[^,]{0,200}?;base64,", re.ASCII)
_HEAD_CHARS: Final = 400
_TITLE_CHARS: Final = 200
_PDF: Final = "application/pdf"


def blocks_of(content: str | tuple[Part, ...] | None) -> list[Block]:
    """The content blocks; blank text is left out, which the form refuses. Raises ProviderError(BAD_REQUEST)."""
    if content is None or isinstance(content, str):
        return text_blocks(content or "")
    return [block for part in content for block in _blocks(part)]


def text_blocks(words: str) -> list[Block]:
    """A block of text; none for blank text."""
    return [{"type": "text", "text": words}] if words and not words.isspace() else []


def texts_of(contents: Iterable[str | tuple[Part, ...] | None]) -> list[Block]:
    """The blocks of contents of which only text counts."""
    return [block for content in contents for block in blocks_of(content) if block["type"] == "text"]


def _blocks(part: Part) -> list[Block]:
    match part:
        case TextPart():
            return [{**block, **_cached(part.extra)} for block in text_blocks(part.text)]
        case ImagePart():
            return [{"type": "image", "source": _source(part.url, "image/png"), **_cached(part.extra)}]
        case OtherPart("refusal"):
            return text_blocks(text(part.data.get("refusal")))
        case OtherPart("file"):
            return [_document(mapping(part.data.get("file")) or dict(part.data))]
        case OtherPart("document"):
            return [{**part.data, "type": "document"}]
        case OtherPart():
            raise _refused(f"A part of type {part.kind[:40]!r} has no place in the form of this API.")
        case AttachedPart():  # of a web session: nothing is uploaded here
            return text_blocks(f"({part.kind}: {part.name})")


def _document(file: Mapping[str, Any]) -> Block:
    """OpenAI's file: its data in a data: URL, or the id of one that the API has."""
    if name := text(file.get("file_id")):
        return {"type": "document", "source": {"type": "file", "file_id": name}}
    place = text(file.get("file_data")) or text(file.get("file_url"))
    if not place:
        raise _refused("A file part names neither file_data nor file_id.")
    source = _source(place, _PDF) if place.startswith(("data:", "http")) else _base64(_PDF, place)
    if source["type"] == "base64" and source["media_type"].startswith("image/"):
        return {"type": "image", "source": source}
    title = text(file.get("filename"))[:_TITLE_CHARS]
    return {"type": "document", "source": source} | ({"title": title} if title else {})


def _source(url: str, otherwise: str) -> dict[str, str]:
    """Where the bytes are: in the URL itself, or at an address. `otherwise`: the type of data that names none."""
    head = _DATA_URL.match(url[:_HEAD_CHARS])
    if head is not None:
        return _base64((head[1] or otherwise).lower(), url[head.end() :])
    if url.startswith("data:"):
        raise _refused("A data: URL is not base64.")
    if not url.startswith(("http://", "https://")):
        raise _refused("An address begins with neither https:// nor data:.")
    return {"type": "url", "url": url}


def _base64(media_type: str, data: str) -> dict[str, str]:
    media_type = "image/jpeg" if media_type == "image/jpg" else media_type
    return {"type": "base64", "media_type": media_type, "data": data}


def _cached(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The mark of a prefix to be kept, which clients of other forms put at their parts too."""
    mark = extra.get("cache_control")
    return {"cache_control": mark} if isinstance(mark, Mapping) else {}


def _refused(why: str) -> ProviderError:
    return ProviderError(ErrorKind.BAD_REQUEST, why, param="messages", credential="key")
