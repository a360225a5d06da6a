"""Flows of their own for attempts that were followed by another, and for preparing calls."""

import time
import uuid
from urllib.parse import urlsplit

from mitmproxy import connection, http
from mitmproxy import flow as mflow

from addons.cleaning.bodies import searchable, show_as_searched
from addons.cleaning.cleaner import HIDDEN, AccountKey, Cleaner, handed_out
from addons.cleaning.redaction import redacted_bytes, redacted_header
from addons.inspect.annotation import Annotation
from addons.inspect.summary import marker, summary_line
from addons.transport.step_runner import CallRecord
from addons.transport.upstream_request import request_of
from providers.contract.steps import Answer

SHOWN_BYTES = 256 * 1024
"""Of a preparing call's answer, and of what it sent: both are searched for secrets while others wait."""
SHOWN_FILE_BYTES = 16 * 1024
"""Of a file that it sent: a request may bring twenty, which are shown together."""


def own_flow(flow: http.HTTPFlow) -> http.HTTPFlow:
    """A copy of the flow that stands for itself: what has come of its answer is all there will be."""
    copy: http.HTTPFlow = flow.copy()
    copy.live = False
    copy.intercepted = False
    if copy.response is not None:
        copy.response.timestamp_end = time.time()
    return copy


def end_as_attempt(flow: http.HTTPFlow, annotation: Annotation) -> None:
    """Ends a flow that shows a failed attempt after which another was made. Its body is still to come."""
    if flow.response is None:
        flow.error = mflow.Error(annotation.error or "there was no answer")  # else it would look as if it still ran
    flow.marked = marker(annotation)
    annotation.put_on(flow)
    flow.comment = summary_line(annotation)


def step_flow(step: CallRecord, request_id: str, cleaner: Cleaner) -> http.HTTPFlow:
    """A preparing call as a flow. What the site handed out in it is hidden: it is in no vault yet."""
    owner = step.owner
    parts = urlsplit(step.call.shown_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    client = connection.Client(peername=("127.0.0.1", 0), sockname=("127.0.0.1", 0), timestamp_start=step.began)
    server = step.server or connection.Server(address=(parts.hostname or "", port))
    flow = http.HTTPFlow(client, server, live=False)
    flow.id = str(uuid.uuid4())
    flow.request = cleaner.request(request_of(step.call))
    sent = flow.request.data.content or b""
    flow.request.data.content = cleaner.data(sent[: SHOWN_BYTES if sent[:1] == b"{" else SHOWN_FILE_BYTES])
    flow.request.timestamp_start = flow.request.timestamp_end = step.began
    if step.answer is not None:
        answer = step.answer
        if step.call.hides_answer:
            answer = Answer(answer.status, {"content-type": "text/plain"}, HIDDEN.encode())
        flow.response = _response(answer, step.ended, owner, cleaner)
    annotation = Annotation(
        request_id=request_id,
        part="step",
        provider=owner.provider,
        account=owner.account,
        call=f"{flow.request.method} {flow.request.path.partition('?')[0]}",
        outcome="failed" if step.error else "ok",
        error=step.error,
        total_ms=round((step.ended - step.began) * 1000),
    )
    annotation.put_on(flow)
    flow.comment, flow.marked = summary_line(annotation), marker(annotation)
    return flow


def _response(answer: Answer, ended: float, owner: AccountKey, cleaner: Cleaner) -> http.Response:
    """Without the secrets in force, without what looks like one, and without what the answer's own cookies say."""
    cleaner = cleaner.also(handed_out(answer.set_cookies))
    headers = [
        (name.encode(), redacted_header(name, value).encode("utf-8", "surrogateescape"))
        for name, value in answer.headers.items()
        if name not in ("set-cookie", "content-length", "transfer-encoding", "content-encoding")
    ]
    response = http.Response.make(answer.status, b"", headers)
    cleaner.head(response, owner)
    for cookie in answer.set_cookies:
        response.headers.add("set-cookie", f"{cleaner.text(cookie.partition('=')[0])}={HIDDEN}")
    response.content = redacted_bytes(cleaner.data(searchable(answer.body[:SHOWN_BYTES]), owner))
    show_as_searched(response)
    response.timestamp_start = response.timestamp_end = ended or time.time()
    return response
