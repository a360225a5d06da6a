"""Reader of mitmproxy's flow files."""

import io

from mitmproxy import exceptions, http
from mitmproxy.io import FlowReader

from addons.cleaning.fields import by_name
from addons.importing.contents import FileContents, ImportProblem
from providers.contract.session import ObservedExchange


def read_flows(data: bytes) -> FileContents:
    """The exchanges of a flow file. Raises ImportProblem."""
    exchanges = []
    try:
        for flow in FlowReader(io.BytesIO(data)).stream():
            if isinstance(flow, http.HTTPFlow):
                exchanges.append(observed_exchange(flow))
    except (exceptions.FlowReadException, ValueError, TypeError, KeyError) as e:
        if not exchanges:
            raise ImportProblem("this is no flow file this mitmproxy can read") from e
        return FileContents("flow file", tuple(exchanges), note="the file is cut off; what stands before that was read")
    if not exchanges:
        raise ImportProblem("this flow file holds no HTTP exchange")
    return FileContents("flow file", tuple(exchanges))


def observed_exchange(flow: http.HTTPFlow) -> ObservedExchange:
    """A flow of a file as an ObservedExchange."""
    response = flow.response
    return ObservedExchange(
        method=flow.request.method,
        url=flow.request.pretty_url,
        headers=by_name(flow.request.headers.fields),
        status=response.status_code if response else None,
        set_cookies=tuple(response.headers.get_all("set-cookie")) if response else (),
        body=(response.get_content(strict=False) or b"") if response else b"",
    )
