"""What a request's machine wants done, in order. A hook of mitmproxy's (StartHook) is one too, always the last.

A driver carries them out: mitmproxy's layers, or our own connection (HTTP/1.1 in the clear).
"""

from dataclasses import dataclass
from enum import Enum, auto

from mitmproxy import http
from mitmproxy.proxy.commands import StartHook

from addons.upstream.port import Target
from addons.upstream.upload import Upload


# -- to the client ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SendHead:
    """The head of an answer, or of an interim one (100). Where it `ends` the answer, no data follow."""

    response: http.Response
    ends: bool = False


@dataclass(frozen=True, slots=True)
class SendData:
    """Bytes of the answer's body, without framing. Never empty."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendEnd:
    """The answer is whole."""


class Why(Enum):
    """Why an answer ends before it is whole."""

    BROKEN = auto()
    KILLED = auto()
    """A person dropped the flow, or the client has left."""
    NOT_READ = auto()
    """The client does not read it."""


@dataclass(frozen=True, slots=True)
class BreakOff:
    """The answer ends here: in HTTP/1 with its connection, in HTTP/2 with its stream."""

    why: Why


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing more of the body is to come for now; where it is not `held`, it may come again."""

    held: bool


@dataclass(frozen=True, slots=True)
class ReadPast:
    """Nothing more of the body is wanted: an HTTP/1 connection that was held is read again, to be heard when it ends.
    (In HTTP/2 the stream ends with its answer.)"""


@dataclass(frozen=True, slots=True)
class LookIfLeft:
    """The connection is to be ended where it is held and its client has left, of which nobody hears then."""


@dataclass(frozen=True, slots=True)
class Abort:
    """The client's connection is to be ended at once: it stopped reading. What comes of that is a client that left."""


@dataclass(frozen=True, slots=True)
class Over:
    """The request is over: nothing more is to be told to its machine. An end of the answer may follow."""


# -- to the provider --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ask:
    """The request is to be sent to a provider. What is told of it comes with this `number`."""

    number: int
    target: Target
    request: http.Request
    upload: Upload | None


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing of the provider's answer is wanted any more."""


@dataclass(frozen=True, slots=True)
class Finish:
    """All that was wanted of it has come; the provider may still end it, so that its connection can serve again."""


@dataclass(frozen=True, slots=True)
class GiveWay:
    """All others are to have a turn, before it goes on as behind a hook (`hook_done`). Always the last command."""


type Command = (
    SendHead
    | SendData
    | SendEnd
    | BreakOff
    | Hold
    | ReadPast
    | LookIfLeft
    | Abort
    | Over
    | Ask
    | Leave
    | Finish
    | GiveWay
    | StartHook
)

SEND_END = SendEnd()
READ_PAST = ReadPast()
LOOK_IF_LEFT = LookIfLeft()
ABORT = Abort()
OVER = Over()
LEAVE = Leave()
FINISH = Finish()
GIVE_WAY = GiveWay()
