"""Reader of an answer's sources: `annotations` of messages, and Z.AI's `web_search` list beside the choices."""

from collections.abc import Set
from typing import Any

from providers.contract.events import Citation
from providers.formats.jsontext import mapping, text, whole


def from_annotations(annotations: list[Any]) -> tuple[list[Citation], list[Any]]:
    """The url_citations among annotations, and the annotations that are none."""
    found: list[Citation] = []
    rest: list[Any] = []
    for annotation in annotations:
        entry = mapping(annotation)
        source = mapping(entry.get("url_citation")) or entry
        url = text(source.get("url"))
        if entry.get("type") != "url_citation" or not url:
            rest.append(annotation)
            continue
        start, end = whole(source.get("start_index")), whole(source.get("end_index"))
        placed = start is not None and end is not None and end > start
        title = text(source.get("title"))
        found.append(Citation(url, title, None, start if placed else None, end if placed else None))
    return found, rest


def from_web_search(results: list[Any], known: Set[str]) -> list[Citation]:
    """Z.AI's search results whose links are not in `known`."""
    found: dict[str, Citation] = {}
    for result in map(mapping, results):
        link = text(result.get("link"))
        if link and link not in known:
            found.setdefault(link, Citation(link, text(result.get("title"))))
    return list(found.values())
