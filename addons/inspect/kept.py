"""The bodies and texts kept of an attempt on its flow, cleaned before anybody can look.

A short one is cleaned on the spot; a long one in a thread, so that nobody else waits. To clean takes 200 ns a byte,
so of a request's body no more is kept than of an answer's (`inspect.body_kb`): nobody reads all of 32 MB.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from mitmproxy import http

from addons.cleaning.bodies import searchable, show_as_searched
from addons.cleaning.cleaner import AccountKey, Cleaner
from addons.exchange.attempt import Attempt
from addons.inspect.annotation import Annotation

AT_ONCE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    asked: bytes
    """The body that was sent to the provider: it holds the conversation, and so what providers said before."""
    answered: bytes
    client_request: str
    delivered: str
    model: str
    """Where no provider was asked, it is any word of the client's."""


async def keep_cleaned(
    flow: http.HTTPFlow,
    annotation: Annotation,
    attempt: Attempt | None,
    cleaner: Cleaner,
    most_bytes: int,
    *,
    answered: bool,
) -> Annotation:
    """Puts the cleaned bodies on the flow; returns the annotation to put there. `answered`: the response is the
    attempt's.

    `most_bytes` of the request's body are kept."""
    stood = flow.request.data.content
    asked = stood or b""
    asked = (attempt.body_as_built(asked) if attempt is not None else asked) or b""
    most_bytes = max(most_bytes, AT_ONCE_BYTES)
    found = _Kept(
        asked[:most_bytes],
        searchable(attempt.body) if attempt is not None and answered else b"",
        annotation.client_request,
        annotation.delivered,
        annotation.model,
    )
    owner = attempt.spec.owner if attempt is not None else None
    size = len(found.asked) + len(found.answered) + len(found.client_request) + len(found.delivered)
    cleaner = attempt.cleaner if attempt is not None else cleaner
    flow.request.data.content = None  # nobody sees it meanwhile, nor ever should this fail
    if size <= AT_ONCE_BYTES:
        kept = _clean(found, owner, cleaner)
    else:
        kept = await asyncio.to_thread(_clean, found, owner, cleaner)
    if stood is not None:
        flow.request.data.content = kept.asked
    if flow.response is not None and answered:
        flow.response.data.content = kept.answered
        show_as_searched(flow.response)
    cut = len(asked) > most_bytes or annotation.uploaded_bytes > 0
    if kept is found and not cut:
        return annotation
    return replace(
        annotation,
        cut_request=cut,
        client_request=kept.client_request,
        delivered=kept.delivered,
        model=kept.model,
    )


def _clean(found: _Kept, owner: AccountKey | None, cleaner: Cleaner) -> _Kept:
    """Mostly there is nothing to hide, which one look at all of it tells."""
    texts = (text.encode("utf-8", "surrogatepass") for text in (found.client_request, found.delivered, found.model))
    joined = b"\n".join((found.asked, found.answered, *texts))
    if cleaner.data(joined) is joined:
        return found
    return _Kept(
        cleaner.data(found.asked),
        cleaner.data(found.answered, owner),
        cleaner.text(found.client_request),
        cleaner.text(found.delivered, owner),
        cleaner.text(found.model),
    )
