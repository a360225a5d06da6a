"""The replay button of mitmweb: a gateway flow is sent again, edited or not, with the real secret put in at the wire.

mitmproxy would send the flow as it stands, placeholders and all. So the call is made here, as a preparing call is, and
its answer put on the flow: mitmproxy then has nothing left to send.
"""

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from mitmproxy import ctx, http
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from addons.cleaning.bodies import searchable, show_as_searched
from addons.context import AnyProvider
from addons.core.errors import GatewayError
from addons.inspect.check import decoded
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.note import Note, note_of
from addons.inspect.recording import RecordingProblem, Source, recording_of
from addons.inspect.story import told
from addons.places import sealed_call
from addons.secrets import Owner
from addons.setup import Running
from addons.way_in import way_in
from providers.contract import Answer
from providers.errors import ErrorKind, ProviderError

_HOP: Final = frozenset({"content-length", "transfer-encoding", "connection", "host", "accept-encoding"})


async def replay(flow: http.HTTPFlow, running: Running, places: FlowPlaces) -> None:
    """Puts the provider's new answer on the flow. Raises GatewayError when the flow cannot be sent again."""
    note = note_of(flow)
    provider = running.providers.get(note.provider) if note else None
    account = running.accounts.find(note.provider, note.account) if note else None
    if note is None or provider is None or account is None:
        raise GatewayError(400, "only exchanges with a configured account can be sent again", code="replay_unsupported")
    if note.cut_request:
        message = "only the beginning of this request was kept (inspect.body_kb), so it cannot be sent again"
        raise GatewayError(400, message, code="replay_unsupported")
    try:
        session = await running.renewal.session(account)
        url = _url(flow, provider)
        call = sealed_call(flow.request, url, places.of(flow, Owner(note.provider, note.account)), _HOP)
        answer = await running.steps.send(provider, call, session)
        if answer.status == 401 and call.secrets:  # else the refusal says nothing of the session
            await running.renewal.rejected(account, session, ProviderError(ErrorKind.SESSION_EXPIRED, "refused"))
            answer = await running.steps.send(provider, call, session)
    except ProviderError as error:
        way = way_in(provider, note.account)
        raise GatewayError.from_provider(error, note.provider, note.account, way) from None
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


def _url(flow: http.HTTPFlow, provider: AnyProvider) -> str:
    """Where the flow went. One out of a file has lost its address: mitmproxy puts the reverse target in its place, in
    the Host too. The connection it was sent over still knows it; StepRunner sees to it that it is the provider's own.
    """
    request, connected = flow.request, flow.server_conn.address
    if (request.host, request.port) not in _reverse_targets() or connected is None:
        return request.url
    for origin in sorted(provider.origins()):
        parts = urlsplit(origin)
        if (parts.hostname, parts.port) == connected[:2]:
            return origin + request.path
    return request.url


def _reverse_targets() -> set[tuple[str, int]]:
    modes = [ProxyMode.parse(mode) for mode in ctx.options.mode]
    return {(str(mode.address[0]), int(mode.address[1])) for mode in modes if isinstance(mode, ReverseMode)}


def _response(answer: Answer, running: Running, note: Note) -> http.Response:
    """The answer with secrets taken out, as it stands in any flow."""
    skipped = {*_HOP, "content-encoding"}
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items() if name not in skipped]
    cleaner, owner = running.cleaner, (note.provider, note.account)
    response = http.Response.make(answer.status, b"", headers)
    cleaner.head(response, owner)
    response.content = cleaner.data(searchable(answer.body), owner)
    show_as_searched(response)
    return response
