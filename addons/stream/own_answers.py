"""What the gateway itself answers to a request, and how that ends where it is refused or dropped; no I/O."""

import time
from abc import abstractmethod
from typing import Final

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpResponseHeadersHook, HttpResponseHook

from addons.cleaning.fields import Fields
from addons.errors import GatewayError
from addons.stream.client_end import ClientSide
from addons.stream.commands import SEND_END, BreakOff, SendData, SendHead, Why
from addons.stream.course import Course, HookedCourse, Judged
from addons.stream.deps import StreamDeps
from addons.stream.refusal import add_missing, closing, mark_refused

NEVER: Final = float("inf")


class OwnAnswers(HookedCourse):
    """A request as the gateway answers it without a provider, early or once it is whole."""

    __slots__ = ("_extra_headers", "_fields", "_path", "_side", "deadline", "deps", "flow", "is_answered")

    flow: http.HTTPFlow

    def __init__(self, side: ClientSide, deps: StreamDeps) -> None:
        super().__init__()
        self._side = side
        self.deps = deps
        self.deadline = NEVER
        self.is_answered = False
        """The client has its answer, or will have none."""
        self._extra_headers: Fields = ()
        self._path = ""
        """As the client asked for it; the flow's may become the provider's."""
        self._fields: tuple[tuple[bytes, bytes], ...] = ()
        """Of the client's head, in the same way."""

    @abstractmethod
    def _forget_body(self) -> None:
        """Nothing more is kept of the request's body."""

    @abstractmethod
    def _end_upload(self) -> None:
        """Nothing more of the body is wanted."""

    # -- answers --------------------------------------------------------------------------------------------------
    def _finish_head(self, answer: http.Response) -> None:
        """Adds the headers of every answer to this request; every head that is made for the client comes by here."""
        add_missing(answer, self._extra_headers)

    def _answer_early(self, answer: http.Response) -> Course:
        self._finish_head(answer)
        answer.timestamp_start = answer.timestamp_end = time.time()
        yield HttpResponseHeadersHook(self.flow)
        yield HttpResponseHook(self.flow)
        if not (yield from self._is_killed(tells=False)):
            self._send_and_leave(answer)

    def _answer_locally(self, answer: http.Response) -> Course:
        self._end_upload()
        self.deadline = NEVER
        self._finish_head(answer)
        answer.timestamp_start = time.time()
        yield HttpResponseHeadersHook(self.flow)
        answer = self.flow.response or answer
        answer.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        if (yield from self._is_killed(tells=False)):
            return
        self.flow.live = False
        self._send_whole(self.flow.response or answer, ends=True)

    def _answer_apart(self, answer: http.Response) -> Course:
        """Sends `answer` to the client; flow.response stays what the provider answered, when it answered."""
        if self.flow.response is None:
            self.flow.response = answer
            yield from self._answer_locally(answer)
            return
        self.deadline = NEVER
        self._end_upload()
        self._finish_head(answer)
        self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        if (yield from self._is_killed(tells=False)):
            return
        self.flow.live = False
        self._send_whole(answer, ends=True)

    def _send_and_leave(self, answer: http.Response) -> None:
        """Sends an answer that does not wait for its request to be whole."""
        self._ends()
        self.flow.live = False
        self._send_whole(answer, ends=False)

    def _send_whole(self, answer: http.Response, *, ends: bool) -> None:
        """Sends an answer, the last of the request. `ends`: its head may be marked as the end where no body follows."""
        content = answer.raw_content or b""
        self._out.append(SendHead(answer, ends and not content))
        if content:
            self._out.append(SendData(content))
        self._over()
        self._out.append(SEND_END)

    # -- refusals and ends --------------------------------------------------------------------------------------------
    def _refuse(self, error: GatewayError) -> Course:
        """Answers before the body is whole."""
        self._forget_body()
        answer = self.flow.response = closing(self.deps.refuse, self._path, error, self._fields)
        self._finish_head(answer)
        self.flow.error = mflow.Error(error.message)
        if port := self.deps.find(self.flow):
            port.refused(error, answer.headers["x-request-id"])
        else:
            mark_refused(self.flow, error)
        self._ends()
        yield HttpErrorHook(self.flow)
        self._send_and_leave(answer)

    @property
    def _is_dropped(self) -> bool:
        """A person has dropped the flow."""
        return self.flow.error is not None and self.flow.error.msg == mflow.Error.KILLED_MESSAGE

    def _is_killed(self, *, tells: bool = True) -> Judged:
        """Whether a person has dropped the flow, or the client has left while a hook ran; then all has ended here.
        Where it `tells`, the hooks hear of it."""
        left = self._left_in_hook
        if not (self._is_dropped or left):
            return False
        if self.flow.error is None:
            self.flow.error = mflow.Error(left)
        self._ends()
        if tells:
            yield HttpErrorHook(self.flow)
        self.flow.live = False
        self._out.append(BreakOff(Why.KILLED))
        self._over()
        return True

    def _ends(self) -> None:
        """Nothing more is read of the client or said to it, but for the end of its answer."""
        self.deadline = NEVER
        self.is_answered = True
