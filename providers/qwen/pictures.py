"""Pictures of Qwen's as their content: one is drawn first, then fetched from where the site has put it.

A link is signed, and whoever has it sees the picture until it ends. So its query is a secret that nobody is shown; it
is followed to places of a fixed list alone, and nothing of the session goes there.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Image, Text, Usage
from providers.contract.operation import Decoder, Turn
from providers.contract.requests import ChatRequest
from providers.contract.sealed import HandedSecret, Sealed, Value
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Steps
from providers.qwen.api import QwenApi
from providers.qwen.chat import QwenTurn
from providers.qwen.options import QwenOptions
from providers.qwen.uploads import own_places
from providers.shared.whole_body import WholeBody

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of one picture."""
DRAWING_S: Final = 120.0
"""How long the site may say nothing while it draws; it says every ten seconds that it is at it (2026-10)."""
_STARTS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"RIFF", "webp"), (b"GIF8", "gif"))
_KINDS: Final = ("image/", "application/octet-stream", "binary/octet-stream")


def picture_urls(options: QwenOptions) -> tuple[str, ...]:
    """Where pictures may be fetched from: a fixed list, or where the site is a stand-in on this machine, that place."""
    return own_places(options, options.picture_urls)


class FetchedPicture(Turn):
    """The Turn of a picture that is wanted as its content: `prepare` has it drawn, the call fetches it.

    Where the site draws several at once, the others are fetched before.
    """

    def __init__(self, api: QwenApi, chat: ChatRequest, session: Session) -> None:
        self._api, self._session = api, session
        self._drawing = QwenTurn(api, chat, session)
        self._link = ""
        self._drawn: list[Event] = []
        """What comes with the picture that is fetched last: the others, and the counts."""

    def prepare(self, now: Moment) -> Steps[None]:
        links, usage = yield from self._draw(now)
        *others, self._link = links
        for link in others:
            self._drawn.append((yield from self._fetched(link, now)))
        self._drawn += usage

    def call(self, now: Moment) -> Call:
        return _fetch(self._api, self._link, self._session, now)

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        return status == 200 and headers.get("content-type", "").strip().lower().startswith(_KINDS)

    def decoder(self) -> Decoder:
        return PictureContent(self._drawn)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return _not_given(status)

    def recover(self, error: ProviderError, asked: Moment) -> Steps[None] | None:
        return self._drawing.recover(error, asked)

    def cleanup(self, now: Moment) -> Sequence[Call]:
        return self._drawing.cleanup(now)

    @property
    def buffers(self) -> bool:
        return True

    def _draw(self, now: Moment) -> Steps[tuple[list[str], list[Event]]]:
        """Links to what was drawn, at least one, and counts of tokens."""
        turn = self._drawing
        yield from turn.prepare(now)
        answer = yield replace(turn.call(now), silent_s=DRAWING_S)
        if not turn.accepts(answer.status, answer.headers):
            raise turn.classify(answer.status, answer.headers, answer.body)
        decoder = turn.decoder()
        events = [*decoder.feed(answer.body), *decoder.close()]
        for event in events:
            if isinstance(event, Failure):
                raise event.error
        links = [event.url for event in events if isinstance(event, Image)]
        if not links:
            words = " ".join("".join(event.text for event in events if isinstance(event, Text)).split())[:300]
            message = "Qwen has drawn nothing." + (f" It says: {words}" if words else "")
            raise ProviderError(ErrorKind.CONTENT_FILTERED, message)
        return links, [event for event in events if isinstance(event, Usage)]

    def _fetched(self, link: str, now: Moment) -> Steps[Image]:
        answer: Answer = yield _fetch(self._api, link, self._session, now)
        if not self.accepts(answer.status, answer.headers):
            raise _not_given(answer.status)
        return Image(_data_url(answer.body))


class PictureContent(Decoder):
    """The Decoder of a picture: its bytes as one event. `others` are given out with it."""

    ended = False

    def __init__(self, others: Sequence[Event] = ()) -> None:
        self._others = others
        self._body = WholeBody(MOST_BYTES)
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over or self._body.take(data):
            return []
        self._over = True
        message = f"The picture is larger than {MOST_BYTES >> 20} MB."
        return [Failure(ProviderError(ErrorKind.PROVIDER_DOWN, message))]

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        try:
            picture = Image(_data_url(self._body.taken()))
        except ProviderError as error:
            return [Failure(error)]
        return [picture, *self._others, Finish("stop")]


def _fetch(api: QwenApi, link: str, session: Session, now: Moment) -> Call:
    """The call for a picture. What lies at the site itself is readable with the session only, all else without."""
    base = api.options.base_url
    if link.startswith(f"{base}/api/"):
        return api.call("GET", link[len(base) :], session, now)
    address, _, query = link.partition("?")
    if not any(address.startswith(f"{url}/") for url in picture_urls(api.options)):
        host = urlsplit(address).hostname or "no host"
        message = (
            f"Qwen has drawn a picture and put it to {host[:100]!r}, which is none of its own places "
            "(picture_urls in config.yaml). Ask for response_format: url to get the link."
        )
        raise ProviderError(ErrorKind.BAD_REQUEST, message, param="response_format")
    url: Value = Sealed((f"{address}?", HandedSecret("link", query))) if query else address
    return Call("GET", url, (("accept", "image/*"), ("user-agent", api.page.user_agent)))


def _data_url(data: bytes) -> str:
    """The picture as a data: URL. Raises ProviderError where it is none."""
    kind = next((kind for start, kind in _STARTS if data.startswith(start)), None)
    if kind is None:
        raise ProviderError(ErrorKind.PROVIDER_DOWN, "What Qwen has put to the picture's place is none. Try again.")
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def _not_given(status: int) -> ProviderError:
    message = f"Qwen has drawn a picture, but does not give it out (status {status}). Try again."
    return ProviderError(ErrorKind.PROVIDER_DOWN, message, status=status)
