"""Recordings of exchanges the gateway did not carry: from a browser's HAR or somebody's flow file. Pure.

What was asked is told by the site's own request as far as it can be; what was delivered is what today's adapter makes
of the answer. Kept as a case, that is the measure for tomorrow's.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mitmproxy import http

from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.chat_view import error_of
from addons.recordings.check import delivered_today
from addons.recordings.recording import Recording, RecordingProblem, RecordingSource, recording_of
from providers.contract.call import origin_of
from providers.contract.provider import AnyProvider
from providers.formats.jsontext import mapping, text
from providers.registry import provider_class, type_names

_UNTOLD: Final = "(what was asked is not in the recording)"


@dataclass(frozen=True, slots=True)
class Imported:
    """One exchange with a known site. `problem` says why there is no recording of it."""

    url: str
    recording: Recording | None
    problem: str = ""


def import_recordings(flows: Iterable[http.HTTPFlow], providers: Mapping[str, AnyProvider]) -> list[Imported]:
    """The recordings of all chats with known sites; other calls are passed over. `providers` are the configured
    ones."""
    known = dict(_origins(providers))
    return [found for flow in flows if (found := _import(flow, providers, known)) is not None]


def _origins(providers: Mapping[str, AnyProvider]) -> Iterator[tuple[str, str]]:
    """Pairs of origin and adapter type, of the adapters as they come and of the configured providers."""
    for type_name in type_names():
        cls = provider_class(type_name)
        if cls.Options.model_fields["base_url"].default:
            yield from ((origin, type_name) for origin in cls(type_name, cls.Options.model_validate({})).origins())
    for provider in providers.values():
        yield from ((origin, provider.type_name) for origin in provider.origins())


def _import(flow: http.HTTPFlow, providers: Mapping[str, AnyProvider], known: Mapping[str, str]) -> Imported | None:
    url = flow.request.pretty_url.partition("?")[0]
    type_name = known.get(_origin(flow.request.url))
    own = annotation_of(flow)
    if own is not None and own.part == "attempt":
        type_name = providers[own.provider].type_name if own.provider in providers else type_name
        if type_name is None:
            return Imported(url, None, f"config.yaml has no provider {own.provider!r}, and the host says no more")
        return Imported(url, recording_of(flow, RecordingSource(own, type_name)))
    if type_name is None or own is not None or not _is_chat(flow):
        return None
    try:
        return Imported(url, _recording(flow, type_name))
    except RecordingProblem as problem:
        return Imported(url, None, str(problem))


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except (ValueError, KeyError):
        return ""


def _is_chat(flow: http.HTTPFlow) -> bool:
    """Whether the flow is a question and its answer, not one of the many calls around it."""
    if flow.request.method != "POST" or flow.response is None:
        return False
    kind = flow.response.headers.get("content-type", "")
    return "event-stream" in kind or "completion" in flow.request.path.partition("?")[0]


def _recording(flow: http.HTTPFlow, type_name: str) -> Recording:
    """The recording of the flow. Raises RecordingProblem."""
    assert flow.response
    if not flow.response.get_content(strict=False):
        raise RecordingProblem("the file holds no body of this answer; browsers leave out what they did not keep")
    body = mapping(_json(flow.request.get_content(strict=False)))
    model = text(body.get("model")) or "unknown"
    asked = {"model": model, "stream": True, "messages": [{"role": "user", "content": _words(body)}]}
    annotation = Annotation("import", model=model, stream=True, client_request=json.dumps(asked, ensure_ascii=False))
    bare = recording_of(flow, RecordingSource(annotation, type_name, _credentials(flow.request)))
    assert bare.answer
    delivered = delivered_today(bare, bare.answer)
    error = error_of(delivered)
    outcome = "ok" if delivered and not error else "broken_off" if delivered else "failed"
    return bare.model_copy(update={"delivered": delivered, "outcome": outcome, "error": error})


def _json(body: bytes | None) -> Any:
    try:
        return json.loads(body or b"")
    except (ValueError, RecursionError):
        return None


def _words(body: Mapping[str, Any]) -> str:
    """The last words the person said, in the ways sites carry them."""
    messages = body.get("messages")
    last = mapping(messages[-1]) if isinstance(messages, list) and messages else {}
    for candidate in (last.get("content"), body.get("prompt"), body.get("content"), body.get("signature_prompt")):
        if isinstance(candidate, str) and candidate:
            return candidate
    return _UNTOLD


def _credentials(request: http.Request) -> list[str]:
    """The secrets that the exchange itself shows to be some, wherever else they may stand in it."""
    found = [request.headers.get("authorization", "").partition(" ")[2]]
    found += [request.headers.get(name, "") for name in ("x-api-key", "api-key", "x-signature")]
    found += [value for _, value in request.cookies.items(multi=True)]
    return [value for value in found if value]
