"""The parts of an item's content as the parts of a chat's message. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.contract.chat import ImagePart, OtherPart, Part, TextPart
from providers.formats.jsontext import dumps, mapping, text

_FILE_FIELDS: Final = ("file_id", "file_data", "file_url", "filename")


def parts_of(content: Any) -> tuple[Part, ...]:
    """The parts of content that is a text or a list; what is neither known nor text is left out."""
    if isinstance(content, str):
        return (TextPart(content),) if content else ()
    if not isinstance(content, list):
        return ()
    found = (TextPart(part) if isinstance(part, str) else _part(mapping(part)) for part in content)
    return tuple(part for part in found if part is not None)


def as_content(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    """The parts as a message's content: one text is a text."""
    if len(parts) == 1 and isinstance(parts[0], TextPart):
        return parts[0].text
    return tuple(parts) if parts else ""


def words_of(content: Any, between: str = "") -> str:
    """The texts of content alone."""
    return between.join(part.text for part in parts_of(content) if isinstance(part, TextPart))


def output_of(value: Any) -> str | tuple[Part, ...]:
    """What a tool gave: a text, parts, or any other value as the JSON it is."""
    if value is None or isinstance(value, str):
        return value or ""
    if parts := parts_of(value if isinstance(value, list) else [value]):
        return as_content(parts)
    return dumps(value).decode() if value else ""


def _part(part: Mapping[str, Any]) -> Part | None:
    match part.get("type"):
        case "input_image" | "image_url" | "output_image" | "computer_screenshot":
            return _picture(part)
        case "input_file" | "file":
            return _file(part)
        case "input_audio" as kind:
            return OtherPart(kind, {"type": kind, kind: mapping(part.get(kind)) or dict(part)})
        case "refusal":
            return TextPart(text(part.get("refusal")))
    return TextPart(said) if isinstance(said := part.get("text"), str) else None


def _picture(part: Mapping[str, Any]) -> Part | None:
    given = part.get("image_url")
    url = text(given) or text(mapping(given).get("url"))
    detail = text(part.get("detail")) or text(mapping(given).get("detail"))
    if url:
        return ImagePart(url, detail if detail in ("low", "high", "auto") else None)
    if file_id := text(part.get("file_id")):
        return OtherPart("file", {"type": "file", "file": {"file_id": file_id}})
    return None


def _file(part: Mapping[str, Any]) -> Part | None:
    """A file in the form that a chat has for it."""
    given = mapping(part.get("file")) or part
    found = {name: value for name in _FILE_FIELDS if (value := text(given.get(name)))}
    return OtherPart("file", {"type": "file", "file": found}) if found else None
