"""Requests of each client format, as their dialects read them."""

import json
from typing import Any, Final

from addons.dialects import registry
from addons.dialects.base import ParsedRequest
from addons.dialects.routed_head import NO_HEAD, RoutedHead

SAID: Final = [{"role": "user", "content": "Hello"}]
PLAIN: Final[dict[str, dict[str, Any]]] = {
    "chat_completions": {"model": "m", "temperature": 0, "messages": SAID},
    "completions": {"model": "m", "temperature": 0, "prompt": "Hello"},
    "messages": {"model": "m", "temperature": 0, "max_tokens": 9, "messages": SAID},
    "responses": {"model": "m", "temperature": 0, "store": False, "input": "Hello"},
    "passed_on": {"model": "m", "input": "Hello"},
}
"""What may be kept, form by form."""
EMBEDS: Final = RoutedHead("embeddings")


def parsed(form: str, head: RoutedHead | None = None, **more: object) -> ParsedRequest:
    """The plain request of a form with more members; those that are None are left out."""
    body = {name: value for name, value in (PLAIN[form] | more).items() if value is not None}
    dialect = registry.named(form)
    assert dialect is not None
    return dialect.parse(json.dumps(body).encode(), head or (EMBEDS if form == "passed_on" else NO_HEAD))
