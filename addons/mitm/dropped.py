"""Releasing a flow that is dropped from the list while it is stopped.

mitmproxy marks such a flow and leaves whoever waits for it waiting: the client would hang until it gives up.
"""

from mitmproxy import flow
from mitmproxy.addons.view import View


def release_when_dropped(view: View) -> None:
    """Makes a flow that is dropped in the view end at once."""
    view.sig_view_update.connect(_updated)


def _updated(flow: flow.Flow) -> None:
    waiting = flow._resume_event
    if waiting is not None and is_dropped(flow):
        waiting.set()


def is_dropped(found: flow.Flow) -> bool:
    return found.error is not None and found.error.msg == flow.Error.KILLED_MESSAGE
