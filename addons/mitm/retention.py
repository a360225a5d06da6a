"""The retention of flows in the inspector's list: mitmproxy itself keeps every flow for ever."""

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.addons.view import View

from addons.inspect.annotation import KEY


def trim(view: View, max_flows: int, max_mb: float) -> int:
    """Removes the oldest flows that are over, until the rest fits; returns how many."""
    flows = sorted(view.resolve("@all"), key=lambda flow: flow.timestamp_start)
    sizes = {flow.id: size_of(flow) for flow in flows}
    total, count, removed = sum(sizes.values()), len(flows), 0
    for flow in flows:
        if count <= max_flows and total <= max_mb * 1e6:
            break
        if flow.live or flow.intercepted:
            continue
        view.remove([flow])  # one at a time: for several it logs an alert
        total, count, removed = total - sizes[flow.id], count - 1, removed + 1
    return removed


def size_of(flow: mflow.Flow) -> int:
    """The bytes a flow holds, about."""
    if not isinstance(flow, http.HTTPFlow):
        return 0
    bodies = [message.raw_content or b"" for message in (flow.request, flow.response) if message is not None]
    annotation = flow.metadata.get(KEY)
    noted = (
        annotation.values() if isinstance(annotation, dict) else ()
    )  # as it stands: a note of its own would be made of all pieces
    words = sum(len(value) for value in noted if isinstance(value, str))
    pieces = sum(len(value) for value in noted if isinstance(value, list | tuple))
    return sum(map(len, bodies)) + words + 16 * pieces
