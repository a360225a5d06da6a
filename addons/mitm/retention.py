"""The retention of flows in the inspector's list: mitmproxy itself keeps every flow for ever."""

from mitmproxy.addons.view import View

from addons.inspect.annotation import size_of


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
