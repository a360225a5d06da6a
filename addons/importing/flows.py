"""mitmproxy's own flow files."""

import io

from mitmproxy import exceptions, http
from mitmproxy.io import FlowReader

from addons.cleaning.fields import by_name
from addons.importing.problem import Found, ImportProblem
from providers.contract.provider import ObservedExchange


def read_flows(data: bytes) -> Found:
    """Raises ImportProblem."""
    sightings = []
    try:
        for flow in FlowReader(io.BytesIO(data)).stream():
            if isinstance(flow, http.HTTPFlow):
                sightings.append(sighting_of(flow))
    except (exceptions.FlowReadException, ValueError, TypeError, KeyError) as e:
        if not sightings:
            raise ImportProblem("this is no flow file this mitmproxy can read") from e
        return Found("flow file", tuple(sightings), note="the file is cut off; what stands before that was read")
    if not sightings:
        raise ImportProblem("this flow file holds no HTTP exchange")
    return Found("flow file", tuple(sightings))


def sighting_of(flow: http.HTTPFlow) -> ObservedExchange:
    """One exchange of a flow file."""
    response = flow.response
    return ObservedExchange(
        method=flow.request.method,
        url=flow.request.pretty_url,
        headers=by_name(flow.request.headers.fields),
        status=response.status_code if response else None,
        set_cookies=tuple(response.headers.get_all("set-cookie")) if response else (),
        body=(response.get_content(strict=False) or b"") if response else b"",
    )
