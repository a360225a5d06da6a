"""What a document has to hold to be an answer to its request: a list, with something in each of its entries."""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.passed_on import EmbeddingRequest, ModerationRequest, RerankRequest, VariationRequest
from providers.contract.pictures import ImageRequest
from providers.contract.requests import ModelRequest

_LISTS: Final[Mapping[type[ModelRequest], tuple[str, tuple[str, ...]]]] = {
    EmbeddingRequest: ("vectors", ("data", "embeddings", "embedding")),
    ModerationRequest: ("results", ("results",)),
    RerankRequest: ("results", ("results", "data")),
    ImageRequest: ("pictures", ("data", "images", "output", "artifacts")),
    VariationRequest: ("pictures", ("data", "images", "output", "artifacts")),
}
"""Kind of a request → what is asked for, and the names under which APIs give it."""


def is_document(request: ModelRequest) -> bool:
    """Whether the answer to a request is a JSON document, whatever its head calls it."""
    return type(request) in _LISTS


def flaw_of(request: ModelRequest, document: Mapping[str, Any]) -> str:
    """Why a document is no answer to the request; empty where it is one, or where nothing is known of such answers."""
    kind = _LISTS.get(type(request))
    if kind is None or (isinstance(request, RerankRequest) and not request.fields.get("documents")):
        return ""
    what, names = kind
    found = next((value for name in names if (value := document.get(name))), None)
    if not isinstance(found, list | dict | str):
        return f"The API's answer holds no {what}. Try again."
    if isinstance(found, list) and not all(map(_holds_something, found)):
        return f"The API's answer lacks some of the {what}. Try again."
    if isinstance(request, EmbeddingRequest) and isinstance(found, list) and len(found) < _texts_in(request):
        return f"The API's answer has {len(found)} {what} for {_texts_in(request)} texts. Try again."
    return ""


def _holds_something(entry: Any) -> bool:
    if isinstance(entry, dict) and "embedding" in entry:
        return bool(entry["embedding"])
    return entry not in (None, {}, [], "")


def _texts_in(request: EmbeddingRequest) -> int:
    """How many texts are to become vectors; a list of numbers is one, in tokens."""
    given = request.fields.get("input")
    return len(given) if isinstance(given, list) and all(isinstance(one, str | list) for one in given) else 1
