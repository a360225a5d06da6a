"""The ports of the stream layer: what it asks of the gateway, in types that know nothing of mitmproxy's inner classes.

The stream layer is mechanism: connections, attempts, timers, the commit point. An UpstreamAttempt is the meaning: which
bytes go to the provider, what its bytes mean for the client, and whether the answer is complete.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from mitmproxy import http

from addons.errors import GatewayError
from addons.upstream.port import Target
from addons.upstream.upload import Upload


@dataclass(frozen=True, slots=True)
class Timers:
    """Time limits of one attempt in seconds: `total_s` counts from the client's request, others from the attempt."""

    connect_s: float
    first_token_s: float
    idle_s: float
    total_s: float
    keepalive_s: float
    settle_s: float = 1.5
    """How long an answer of which every word was said is waited for: its token counts and end mark may still come."""


class State(Enum):
    """The state of an attempt's answer."""

    OPEN = auto()
    DONE = auto()
    FAILED = auto()


class Fault(Enum):
    """A failure of an attempt below the provider's own words."""

    CONNECT = auto()
    CONNECT_TIMEOUT = auto()
    TLS = auto()
    CLOSED = auto()
    PROTOCOL = auto()
    FIRST_TOKEN_TIMEOUT = auto()
    IDLE_TIMEOUT = auto()
    TOTAL_TIMEOUT = auto()
    INTERNAL = auto()
    STOPPED = auto()
    """The gateway itself ends."""


class AnswerProgress(Protocol):
    """The progress of reading an answer: attributes, since they are looked at with every piece of a stream."""

    @property
    def state(self) -> State: ...

    @property
    def behind(self) -> bool:
        """Whether `data` was given more than it reads at once: `read_on`, when others have had a turn."""
        ...

    @property
    def ended(self) -> bool:
        """Whether all of the answer was said, though its end mark has not come."""
        ...

    @property
    def first_token_at(self) -> float | None:
        """When the first word came, if one has."""
        ...

    @property
    def waits(self) -> bool:
        """The provider has nothing more to say to it, but something beside it has."""
        ...

    @property
    def asks_again(self) -> bool:
        """It failed, and the same account may be asked once more: a client that was only kept waiting waits on."""
        ...

    @property
    def closes_early(self) -> bool:
        """The answer is complete for the client while the provider still speaks: its connection is closed."""
        ...


class Beside(Protocol):
    """What is done beside an attempt, and given out with its answer."""

    def woken(self, wake: Callable[[], object]) -> None:
        """Has `wake` called whenever there may be more to give out, from now on and once at the next occasion."""
        ...


class UpstreamAttempt(Protocol):
    """One attempt at a provider. Methods never raise; after head, data and end the layer reads the `reader`'s state."""

    @property
    def reader(self) -> AnswerProgress: ...

    target: Target
    timers: Timers
    streaming: bool
    """The client gets a stream; otherwise the one `data` or `end` that completes the answer gives all of it."""
    keepalive_before_first_token: bool
    """True where nothing of an answer is given out until it is whole: the client's stream is then kept alive."""
    silent_until_whole: bool
    """True where the provider itself says nothing until then: its silence is no fault."""
    keepalive: bytes

    @property
    def beside(self) -> Beside | None: ...

    def wire_request(self, request: http.Request) -> http.Request | None:
        """A copy of the request with the real secrets in it, for the wire only; None (and FAILED) without them."""
        ...

    def head(self, response: http.Response) -> None:
        """The provider's status and headers came (secrets in them are sealed in place)."""
        ...

    def data(self, chunk: bytes) -> bytes:
        """Bytes of the provider's body; gives the bytes to send to the client now (often none)."""
        ...

    def read_on(self) -> bytes:
        """Reads on in what `data` was given; returns bytes for the client, as `data` does."""
        ...

    def end(self) -> bytes:
        """The provider's body ended as HTTP says it should."""
        ...

    def is_lost(self, fault: Fault, detail: str, wake: Callable[[], object]) -> bool:
        """Whether the stream alone has ended so, and the site is asked for the rest of the answer: `wake` is called
        when `more` has it, or knows that it will not come."""
        ...

    def more(self) -> bytes:
        """What has come from beside, or from the site behind a stream that was lost."""
        ...

    def settle(self) -> bytes:
        """Takes an answer that has `ended` for complete; gives the bytes that end the client's."""
        ...

    def fault(self, fault: Fault, detail: str) -> None:
        """The attempt failed below HTTP, or ran out of time; the state becomes FAILED."""
        ...

    def response_head(self, body: bytes | None) -> http.Response:
        """The head of the client's answer: of a stream (None), or of this whole body."""
        ...

    def final_error_bytes(self) -> bytes:
        """The last bytes for a client that already got a part of the answer, when the rest will not come; empty where
        the provider's own words of that went out before."""
        ...

    @property
    def recorded(self) -> Sequence[bytes]:
        """The provider's body bytes as they came, up to the cap."""
        ...


class UploadReading(Protocol):
    """What reads a body while it comes, to say when enough has come to ask a provider, and whether it may go on."""

    def feed(self, data: bytes) -> bool | None:
        """More has come. True: what has come is enough, and the rest can be passed on; False: the body is to be read
        whole; None: not known yet. Not to be called again after True or False."""
        ...

    def goes_on(self, upload: Upload) -> None:
        """The rest is passed on by `upload`."""
        ...

    def rest(self, data: bytes) -> None:
        """More of the rest has come. Raises GatewayError where it must not be passed on."""
        ...

    def end(self) -> None:
        """The rest has come. Raises GatewayError where the body is not whole all the same."""
        ...


class RequestPort(Protocol):
    """One client request as the stream layer sees it."""

    @property
    def attempt(self) -> UpstreamAttempt | None:
        """The attempt to make; None: nothing may be sent."""
        ...

    @property
    def answer(self) -> http.Response | None:
        """The client's final answer where it is not to be the flow's own response."""
        ...

    @property
    def uploading(self) -> UploadReading | None:
        """What reads the body while it comes; None: it is wanted whole."""
        ...

    def refused(self, error: GatewayError, request_id: str) -> None:
        """The request was refused before it was whole."""
        ...

    def client_left(self) -> None:
        """The client is gone: stop whatever is under way for it."""
        ...
