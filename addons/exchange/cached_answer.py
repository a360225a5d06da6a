"""One request's use of the cache of whole answers: what was found there, else what its answer leaves there."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

from mitmproxy import http

from addons.cache.answer import KeptAnswer
from addons.cache.cache import AnswerCache
from addons.cache.control import control_of
from addons.cache.key import Asked
from addons.cache.rules import fits, limited_by_client
from addons.cleaning.fields import Fields
from addons.config.client_keys import KeyIdentity
from addons.dialects.base import Encoder, ParsedRequest
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from addons.exchange.attempt import STREAM_HEAD, Attempt
from addons.exchange.context import Context
from addons.kept.shelf import ItemKey
from providers.contract.events import Event, Finish, Issued, Passthrough, Reasoning, Text, Usage, Verbatim
from providers.contract.native import NativeRequest

REQUEST_BYTES: Final = 1024 * 1024
"""A larger request is not looked for: to write it down once more takes more than some milliseconds."""
_SAYING: Final = frozenset({Text, Reasoning, Usage, Verbatim})
"""Events of an answer that does nothing: neither tools nor searches, pictures, or what has a name from now on."""
_DOING: Final = frozenset(
    {
        "refusal",
        "annotations",
        "citations",
        "search_results",
        "executed_tools",
        "audio",
        "images",
        "tool_calls",
        "function_call",
        "error",
    }
)
"""Fields of an answer that tell of more than words, or that it was refused."""
_REFUSED: Final = b'"refusal"'
"""In a document of the Responses form it is the kind of a part; within a text its quotes would be escaped."""


def looked_up(
    context: Context, parsed: ParsedRequest, dialect: str, key: KeyIdentity, head: RoutedHead, size: int
) -> "CachedAnswer | None":
    """What the cache has for a request of so many bytes, and is to have of its answer. None: nothing.

    A key that may not ask all who serve the model is given none of the others' answers, whoever shares them.
    """
    cache = context.cache
    if (rules := cache.rules) is None or size > REQUEST_BYTES or not fits(parsed, always=rules.always):
        return None
    control = control_of(head.headers)
    if not control.keeps:
        return None
    models: list[tuple[str, str]] = []
    for route in context.index().find(parsed.request.model):
        model = route.model
        if key.limits.permits(route.provider, model.id):
            if model.search or model.draws_as == model.id:
                return None
            models.append((route.provider, model.id))
    if not models or (rules.models is not None and not cache.serves((parsed.request.model, *(id for _, id in models)))):
        return None
    place = cache.place(Asked(parsed, dialect, head, models), key.digest)
    found = cache.get(place) if control.reads else None
    if found is None:
        cache.counts.misses += 1
        return CachedAnswer(cache, place, whole_at_limit=limited_by_client(parsed.request))
    return CachedAnswer(cache, place, *found)


@dataclass(slots=True)
class CachedAnswer:
    """The answer that was found, or the place where this request's own is kept once it is whole."""

    cache: AnswerCache
    place: ItemKey
    found: KeptAnswer | None = None
    age_s: int = 0
    whole_at_limit: bool = False
    """An answer that ends at the limit of its length is one that the client has asked for."""
    given: KeptAnswer | None = None
    """What was found, once the client is given it: its key may have no room for the request."""
    _gathered: "GatheredAnswer | None" = field(default=None, repr=False)
    """Of the newest attempt."""

    @property
    def state(self) -> Literal["", "hit", "miss"]:
        """What became of looking for it."""
        if self.found is None:
            return "miss"
        return "" if self.given is None else "hit"

    def headers(self) -> Fields:
        """What an answer to the request says of the cache that is no kept one."""
        return (("x-glassgate-cache", "miss"),) if self.found is None else ()

    def answer(self, fields: Fields) -> tuple[http.Response, http.Response]:
        """Gives the found answer to the client, with these fields in its head beside the form's own; and its head
        alone, for eyes that see nothing which was not cleaned."""
        found = self.given = self.found
        assert found is not None
        self.cache.counts.hits += 1
        own = STREAM_HEAD if found.streaming else {}
        named = own | {
            "content-type": found.content_type,
            **dict(fields),
            "x-glassgate-model": quote(found.model, safe="/:@+ ", errors="replace"),
            "x-glassgate-cache": "hit",
            "age": str(self.age_s),
            "content-length": str(len(found.body)),
        }
        headers = http.Headers(
            (name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in named.items()
        )
        now = time.time()
        whole = http.Response(b"HTTP/1.1", 200, b"OK", headers, found.body, None, now, now)
        return whole, http.Response(b"HTTP/1.1", 200, b"OK", headers.copy(), b"", None, now, now)

    def encoder(self, encoder: Encoder) -> Encoder:
        """The encoder of an attempt's answer, which is gathered meanwhile."""
        self._gathered = GatheredAnswer(encoder, self.cache.answer_bytes, whole_at_limit=self.whole_at_limit)
        return self._gathered

    def keep(self, answered: Attempt) -> None:
        """The newest attempt has been answered, whole and as its provider has said it."""
        gathered, source = self._gathered, answered.spec.source
        if gathered is None or answered.edited or (body := gathered.body()) is None:
            return
        if isinstance(source.request, NativeRequest) and _REFUSED in body:
            return
        usage = answered.report.usage
        kept = KeptAnswer(body, gathered.content_type, gathered.streaming, source.request.model, usage)
        self.cache.put(self.place, kept)


class GatheredAnswer:
    """The Encoder of an answer that is to be kept: what it writes is gathered, as long as it only says something."""

    def __init__(self, encoder: Encoder, most_bytes: int, *, whole_at_limit: bool) -> None:
        self.streaming, self.content_type, self.keepalive = encoder.streaming, encoder.content_type, encoder.keepalive
        self._encoder, self._room = encoder, most_bytes
        self._ends = ("stop", "length") if whole_at_limit else ("stop",)
        self._pieces: list[bytes] | None = []
        """None: it is not kept."""
        self._whole = False

    def encode(self, events: Sequence[Event]) -> bytes:
        out = self._encoder.encode(events)
        self.content_type = self._encoder.content_type  # the provider alone knows that of some answers
        if (pieces := self._pieces) is not None:
            self._room -= len(out)
            for event in events:
                if type(event) not in _SAYING and not self._may_be_kept(event):
                    self._room = -1
            if self._room < 0:
                self._pieces = None
            elif out:
                pieces.append(out)
        return out

    def error(self, error: GatewayError) -> bytes:
        self._pieces = None
        return self._encoder.error(error)

    def body(self) -> bytes | None:
        """All of it; None where it is not to be kept."""
        return b"".join(self._pieces) if self._pieces is not None and self._whole else None

    def _may_be_kept(self, event: Event) -> bool:
        if isinstance(event, Finish):
            self._whole = event.reason in self._ends and not event.others
            return self._whole
        if isinstance(event, Passthrough):
            return not any(event.fields.get(name) for name in _DOING & event.fields.keys())
        if isinstance(event, Issued):
            return not event.there  # what an API has but named, nobody can ask for
        return False
