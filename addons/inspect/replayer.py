"""The replay button of mitmweb: a gateway flow is sent again, edited or not, with the real secret put in at the wire.

mitmproxy would send the flow as it stands, placeholders and all. So the call is made here, as a preparing call is, and
its answer put on the flow: mitmproxy then has nothing left to send.
"""

from dataclasses import replace
from typing import Final

from mitmproxy import http

from addons.context import AnyProvider
from addons.core.errors import GatewayError
from addons.inspect.check import decoded
from addons.inspect.note import Note, note_of
from addons.inspect.recording import RecordingProblem, Source, recording_of
from addons.inspect.story import told
from addons.setup import Running
from providers.contract import Answer, Call
from providers.errors import ErrorKind, ProviderError

_HOP: Final = frozenset({"content-length", "transfer-encoding", "connection", "host", "accept-encoding"})


async def replay(flow: http.HTTPFlow, running: Running) -> None:
    """Puts the provider's new answer on the flow. Raises GatewayError when the flow cannot be sent again."""
    note = note_of(flow)
    provider = running.providers.get(note.provider) if note else None
    account = running.accounts.find(note.provider, note.account) if note else None
    if note is None or provider is None or account is None:
        raise GatewayError(400, "only exchanges with a configured account can be sent again", code="replay_unsupported")
    try:
        session = await running.renewal.session(account)
        answer = await running.steps.send(provider, _call(flow.request))
        if answer.status == 401:
            await running.renewal.rejected(account, session, ProviderError(ErrorKind.SESSION_EXPIRED, "refused"))
            answer = await running.steps.send(provider, _call(flow.request))
    except ProviderError as error:
        raise GatewayError.from_provider(error, note.provider, note.account) from None
    flow.response = _response(answer, running, note)
    note = replace(note, attempt=0, outcome="replayed", error="", delivered="", arrivals=(), cut=False)
    replace(note, delivered=_delivered(flow, note, provider)).put_on(flow)
    flow.comment = told(note)


def _delivered(flow: http.HTTPFlow, note: Note, provider: AnyProvider) -> str:
    """What a client would have been sent of the new answer."""
    recording = recording_of(flow, Source(note, provider.type_name))
    try:
        return decoded(recording, recording.answer, provider) if recording.answer else ""
    except RecordingProblem:
        return ""


def _call(request: http.Request) -> Call:
    headers = tuple((name, value) for name, value in request.headers.items(multi=True) if name.lower() not in _HOP)
    return Call(request.method, request.url, headers, request.get_content(strict=False) or b"")


def _response(answer: Answer, running: Running, note: Note) -> http.Response:
    """The answer with secrets taken out, as it stands in any flow."""
    skipped = {*_HOP, "content-encoding"}
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items() if name not in skipped]
    cleaner, owner = running.cleaner, (note.provider, note.account)
    response = http.Response.make(answer.status, b"", headers)
    cleaner.head(response, owner)
    response.content = cleaner.data(answer.body, owner)
    return response
