"""The client's request as it comes in: bounded in size and time, refused in JSON."""

import time

from mitmproxy import flow as mflow
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
)
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook

from addons.stream.gear import Commands, Gear, Tick
from addons.stream.http1 import error_response

OVERRUN_BYTES = 32 * 1024 * 1024
"""How much of a refused body is still swallowed, so that the client reads the refusal before the connection ends."""


class RequestIntake(HttpStream):
    """A stream up to the moment its request is complete; `request_complete` is what then happens."""

    def __init__(self, context: Context, stream_id: int, gear: Gear) -> None:
        super().__init__(context, stream_id)
        self.gear = gear
        self.deadline = float("inf")
        self.ending = False
        self._swallowed_bytes = 0

    @property
    def client_id(self) -> str:
        return self.context.client.id

    def request_complete(self) -> Commands:
        raise NotImplementedError

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, RequestHeaders) and not event.end_stream:
            self.deadline = self.gear.clock() + self.gear.limits.body_s
            self.gear.watch.add(self)
        if isinstance(event, Tick):
            yield from self._on_tick()
        else:
            yield from super()._handle_event(event)

    def _on_tick(self) -> Commands:
        if self.gear.clock() < self.deadline:
            return
        if self.client_state == self.state_consume_request_body:
            message = f"the request's body did not arrive within {self.gear.limits.body_s:g} s"
            yield from self._refuse(408, message, "request_timeout")
        if self.client_state == self.state_swallow_body:
            self.client_state = self.state_errored
            yield commands.CloseConnection(self.context.client)
        self._unwatch()

    def _unwatch(self) -> None:
        self.deadline = float("inf")
        self.gear.watch.discard(self)

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        """Refuses a request body over the limit in JSON. The provider's body is bounded by the relay."""
        if not request:
            return False
        size = len(self.request_body_buf)
        if not size:
            size = http1.expected_http_body_size(self.flow.request) or 0
        if size <= self.gear.limits.body_bytes:
            return False
        limit_mb = self.gear.limits.body_bytes / (1024 * 1024)
        message = f"the request body is larger than the limit of {limit_mb:g} MB (limits.body_mb in config.yaml)"
        yield from self._refuse(413, message, "request_too_large")
        return True

    def _refuse(self, status: int, message: str, code: str) -> Commands:
        """Answers before the body is whole; the rest of it is swallowed within bounds."""
        self.flow.response = error_response(status, message, code)
        self.request_body_buf.clear()
        self.client_state = self.state_swallow_body
        self.flow.error = mflow.Error(message)
        yield HttpErrorHook(self.flow)
        self.flow.live = False
        yield SendHttp(ResponseHeaders(self.stream_id, self.flow.response), self.context.client)
        yield SendHttp(ResponseData(self.stream_id, self.flow.response.raw_content or b""), self.context.client)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def state_swallow_body(self, event: events.Event) -> Commands:
        if isinstance(event, RequestData):
            self._swallowed_bytes += len(event.data)
            if self._swallowed_bytes > OVERRUN_BYTES:
                self._unwatch()
                self.client_state = self.state_errored
                yield commands.CloseConnection(self.context.client)
        elif isinstance(event, RequestEndOfMessage):
            self._unwatch()
            self.client_state = self.state_errored
            yield DropStream(self.stream_id)
            yield commands.CloseConnection(self.context.client)

    def state_consume_request_body(self, event: events.Event) -> Commands:
        if not isinstance(event, RequestEndOfMessage):
            yield from super().state_consume_request_body(event)
            return
        self._unwatch()
        self.flow.request.timestamp_end = time.time()
        self.flow.request.data.content = bytes(self.request_body_buf)
        self.request_body_buf.clear()
        self.client_state = self.state_done
        yield from self.request_complete()
