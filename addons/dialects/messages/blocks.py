"""The content blocks of a turn to the parts of a chat message. Pure.

Whatever a model can be told as words is: a block of a kind that is not known is its JSON. What would be another
question without it (a file that lies at Anthropic) is a problem.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from addons.dialects.messages.problems import Problems
from addons.dialects.text import json_bytes
from providers.contract.chat import ImagePart, OtherPart, Part, TextPart
from providers.formats.jsontext import mapping, text

UPLOADED: Final = "a file that was uploaded to Anthropic (file_id) is not carried; send the file itself"
_NAME_CHARS: Final = 200


def blocks_of(content: object) -> Sequence[Mapping[str, Any]]:
    """The blocks of a turn, of `system` or of a tool's result: a text is one block, nothing is none."""
    if isinstance(content, str):
        return ({"type": "text", "text": content},)
    return [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else ()


def parts_of(blocks: Sequence[Mapping[str, Any]], where: str, problems: Problems) -> list[Part]:
    """The parts that say the same, in order. `where` is the list that the blocks stand in."""
    return [part for at, block in enumerate(blocks) for part in parts_in(block, f"{where}[{at}]", problems)]


def content_of(parts: Sequence[Part], gap: str) -> str | tuple[Part, ...]:
    """Parts as the content of a message: words alone are one text, which every API takes."""
    if all(isinstance(part, TextPart) for part in parts):
        return gap.join(part.text for part in parts if isinstance(part, TextPart))
    return tuple(parts)


def parts_in(block: Mapping[str, Any], where: str, problems: Problems) -> Iterator[Part]:
    """The parts that say what one block does; `where` is its place in the request."""
    match block.get("type"):
        case "text":
            if not isinstance(said := block.get("text"), str):
                problems.note(where, "a block of type 'text' needs the field 'text'")
            elif said:
                yield TextPart(said)
        case "image":
            yield from _picture(mapping(block.get("source")), where, problems)
        case "document":
            yield from _document(block, where, problems)
        case "search_result":
            yield from _search_result(block, where, problems)
        case "tool_reference":
            yield TextPart(f"The tool {text(block.get('tool_name')) or '?'} is loaded and can be called now.")
        case "server_tool_use" | "mcp_tool_use":
            yield TextPart(f"({text(block.get('name'))} was asked: {json_bytes(block.get('input')).decode()})")
        case "web_search_tool_result":
            found = blocks_of(block.get("content"))
            yield TextPart("\n".join(f"{text(one.get('title'))} {text(one.get('url'))}".strip() for one in found))
        case "container_upload":
            problems.note(where, UPLOADED, "unsupported_parameter")
        case str():
            yield TextPart(json_bytes(dict(block)).decode())
        case _:
            problems.note(where, "a block needs the field 'type'")


def _picture(source: Mapping[str, Any], where: str, problems: Problems) -> Iterator[Part]:
    match source.get("type"):
        case "base64":
            yield ImagePart(f"data:{text(source.get('media_type'))};base64,{text(source.get('data'))}")
        case "url" if isinstance(url := source.get("url"), str) and url:
            yield ImagePart(url)
        case "file":
            problems.note(where, UPLOADED, "unsupported_parameter")
        case _:
            problems.note(where, "a picture needs a source of type 'base64' or 'url'")


def _document(block: Mapping[str, Any], where: str, problems: Problems) -> Iterator[Part]:
    """A document: its title and what is said of it, then its text, or the file."""
    title, source = text(block.get("title")), mapping(block.get("source"))
    if told := "\n".join(words for words in (title, text(block.get("context"))) if words):
        yield TextPart(told)
    match source.get("type"):
        case "base64":
            name = title[:_NAME_CHARS] or "document.pdf"
            data = f"data:{text(source.get('media_type')) or 'application/pdf'};base64,{text(source.get('data'))}"
            yield OtherPart("file", {"type": "file", "file": {"filename": name, "file_data": data}})
        case "text":
            yield TextPart(text(source.get("data")))
        case "content":
            yield from parts_of(blocks_of(source.get("content")), f"{where}.source.content", problems)
        case "url" if isinstance(url := source.get("url"), str) and url:
            yield OtherPart("file", {"type": "file", "file": {"filename": title[:_NAME_CHARS], "file_url": url}})
        case "file":
            problems.note(where, UPLOADED, "unsupported_parameter")
        case _:
            problems.note(where, "a document needs a source of type 'base64', 'text', 'content' or 'url'")


def _search_result(block: Mapping[str, Any], where: str, problems: Problems) -> Iterator[Part]:
    """What a search of the client's has found: where it stands, then its text."""
    head = " ".join(words for words in (text(block.get("title")), text(block.get("source"))) if words)
    if head:
        yield TextPart(head)
    yield from parts_of(blocks_of(block.get("content")), f"{where}.content", problems)
