"""Search in flows' texts: mitmproxy's filters `~b`, `~bq` and `~bs` find words of gateway flows too.

On the wire words are cut into frames and escaped. So the filters also look at what the client asked (`~bq`), and at
what was read in the provider's answer and delivered of it (`~bs`): the words in one piece, compared as words. Case and
white space do not count, and a pattern is no pattern there: no expression can make it slow.

mitmweb's box sends filters to the server but takes no new operators, so there is none. Flows out of a file are searched
without a gateway too: `mitmdump -n -r FILE -s addons/mitm/search.py '~b "the words"'`.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from mitmproxy import flowfilter, http
from mitmproxy.addonmanager import Loader
from mitmproxy.flow import Flow

if not __name__.startswith("addons."):  # a script of mitmdump's: as in gateway.py
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from addons.inspect.annotation import KEY, Annotation, annotation_of
from addons.inspect.chat_view import answer_lines
from providers.contract.events import Citation, Reasoning, Text
from providers.contract.operation import Decoder
from providers.formats.jsontext import INVALID, loads

log = logging.getLogger("glassgate")

type Side = Literal["asked", "answered"]
type DecoderFor = Callable[[Annotation], Decoder | None]
type Show = Callable[[Flow], None]

AT_ONCE_BYTES: Final = 512 * 1024
"""Read in one turn of the event loop; what is more is read in a thread, and found as soon as it is."""
_ESCAPED: Final = re.compile(r"\\([^\w\s])")
_LEAVES: Final = 100_000
_SIDES: Final[Mapping[type, tuple[Side, ...]]] = {
    flowfilter.FBod: ("asked", "answered"),
    flowfilter.FBodRequest: ("asked",),
    flowfilter.FBodResponse: ("answered",),
}


# -- pure -------------------------------------------------------------------------------------------------------------
def fold_text(text: str) -> str:
    """The text as it is compared."""
    return " ".join(text.casefold().split())


def searched_words(expression: str) -> str:
    """The words of a filter's expression, as they are compared. mitmproxy reads it as a pattern too, so signs may stand
    behind a backslash."""
    return fold_text(_ESCAPED.sub(r"\1", expression))


def request_text(annotation: Annotation) -> str:
    """The words of the client's request."""
    value = loads(annotation.client_request.encode("utf-8", "surrogatepass"))
    return annotation.client_request if value is INVALID else "\n".join(_leaves(value))


def answer_texts(annotation: Annotation, body: bytes, decoder: Decoder | None) -> str:
    """The words of the answer: what the client was sent, and what today's adapter reads in the provider's answer: one
    may have what the other lacks (an attempt that failed, an answer that was cut short)."""
    return "\n".join((*answer_lines(annotation.delivered, annotation.dialect), *_read(body, decoder)))


def _leaves(value: Any) -> Iterator[str]:
    """The texts in a JSON value, in order; of a value with too many of them the first."""
    left, waiting = _LEAVES, [value]
    while waiting and left:
        left -= 1
        match waiting.pop():
            case str(text):
                yield text
            case dict(members):
                waiting += reversed(list(members.values()))
            case list(items):
                waiting += reversed(items)


def _read(body: bytes, decoder: Decoder | None) -> list[str]:
    """All text of each choice and all its thinking, each in one piece; sources by their titles."""
    texts: dict[tuple[type, int], list[str]] = {}
    titles = []
    for event in [*decoder.feed(body), *decoder.close()] if decoder is not None else []:
        match event:
            case Text(text=text, choice=choice) | Reasoning(text=text, choice=choice):
                texts.setdefault((type(event), choice), []).append(text)
            case Citation(url=url, title=title):
                titles.append(f"{title} {url}")
    return [*map("".join, texts.values()), *titles]


# -- flows ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """The state of a flow that its texts were read from. It changes while the flow runs, and when somebody edits it."""

    annotation: object
    body: bytes

    @classmethod
    def of(cls, flow: http.HTTPFlow) -> "_Snapshot":
        return cls(flow.metadata.get(KEY), (flow.response.raw_content or b"") if flow.response else b"")

    def same(self, other: "_Snapshot") -> bool:
        return self.annotation is other.annotation and self.body is other.body

    def bytes(self) -> int:
        annotation = self.annotation if isinstance(self.annotation, Mapping) else {}
        texts = (annotation.get(name) for name in ("client_request", "delivered"))
        return len(self.body) + sum(len(text) for text in texts if isinstance(text, str))


@dataclass(frozen=True, slots=True)
class _Texts:
    """The searchable texts of one state of a flow."""

    source: _Snapshot
    words: Mapping[Side, str]

    def has(self, wanted: str, sides: tuple[Side, ...]) -> bool:
        return any(wanted in self.words[side] for side in sides)


@dataclass(slots=True)
class FlowTexts:
    """The texts of flows, read when first asked for. `show` is told of a flow whose words were found (or lost) after it
    was asked for them; without it all is read at once: nothing else waits then."""

    decoder_for: DecoderFor = lambda annotation: None
    show: Show | None = None
    _texts: WeakKeyDictionary[Flow, _Texts] = field(default_factory=WeakKeyDictionary)
    _waiting: dict[http.HTTPFlow, dict[tuple[str, tuple[Side, ...]], bool]] = field(default_factory=dict)
    """Flows to be read, with what was asked for in them and what was answered meanwhile."""
    _left: int = AT_ONCE_BYTES
    _reading: asyncio.Task[None] | None = None

    def found(self, flow: Flow, wanted: str, sides: tuple[Side, ...]) -> bool:
        """Whether a gateway flow has the words, as far as is known now."""
        if not isinstance(flow, http.HTTPFlow) or not isinstance(flow.metadata.get(KEY), Mapping):
            return False
        source, known = _Snapshot.of(flow), self._texts.get(flow)
        if known is None or not known.source.same(source):
            if self.show is None or self._may_read(source.bytes()):
                known = self._texts[flow] = self._read(flow, source)
            else:
                answer = known is not None and known.has(wanted, sides)
                self._waiting.setdefault(flow, {})[wanted, sides] = answer
                return answer
        return known.has(wanted, sides)

    def _may_read(self, size: int) -> bool:
        """Whether so much more fits into this turn of the loop."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read_waiting())
        self._left -= size
        return self._left >= 0

    async def _read_waiting(self) -> None:
        """Reads the flows that did not fit, the newest first."""
        try:
            await asyncio.sleep(0)
            self._left = AT_ONCE_BYTES
            while self._waiting:
                flow, asked = self._waiting.popitem()
                texts = self._texts[flow] = await asyncio.to_thread(self._read, flow, _Snapshot.of(flow))
                if self.show is not None and any(texts.has(*what) != answer for what, answer in asked.items()):
                    self.show(flow)
        finally:
            self._reading = None

    def _read(self, flow: http.HTTPFlow, source: _Snapshot) -> _Texts:
        try:
            words = self._words_of(flow, source)
        except Exception as e:  # a file that somebody has made by hand: the filter goes on with the next flow
            log.debug("the words of a flow cannot be read: %s", type(e).__name__)
            words = {"asked": "", "answered": ""}
        return _Texts(source, words)

    def _words_of(self, flow: http.HTTPFlow, source: _Snapshot) -> Mapping[Side, str]:
        if (annotation := annotation_of(flow)) is None:
            return {"asked": "", "answered": ""}
        decoder = self.decoder_for(annotation) if annotation.part == "attempt" else None
        return {
            "asked": fold_text(request_text(annotation)),
            "answered": fold_text(answer_texts(annotation, source.body, decoder)),
        }


def search_in(words: FlowTexts) -> None:
    """Makes mitmproxy's body filters look into `texts` too, those that were made before as well."""
    for kind, sides in _SIDES.items():
        plain = getattr(kind.__call__, "plain", kind.__call__)  # a second load of the addon takes the first's place
        kind.__call__ = _also(plain, words, sides)  # type: ignore[method-assign]


def _also(plain: Callable[..., Any], words: FlowTexts, sides: tuple[Side, ...]) -> Callable[..., Any]:
    def matches(self: Any, flow: Flow) -> bool:
        return bool(plain(self, flow)) or words.found(flow, searched_words(self.expr), sides)

    matches.plain = plain  # type: ignore[attr-defined]
    return matches


class Search:
    """The addon for flows out of files."""

    def load(self, loader: Loader) -> None:
        search_in(FlowTexts())


addons = [Search()]
