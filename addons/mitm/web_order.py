"""The order of mitmweb's list: flows in the order of their requests, each with its attempts and preparing calls.

By itself it lists them as they arrive until a person chooses a column, and an attempt that has failed arrives behind
the request that goes on, a preparing call behind the chat it has prepared. Its front end is one script, in which that
is one expression: it is served with another, that looks at the time by which mitmproxy's own list is ordered.
"""

import logging
from functools import cache
from pathlib import Path
from typing import Any, Final

log = logging.getLogger("glassgate")

UNORDERED: Final = b"if(!t)return(i,r)=>0;"
"""How two flows compare where no column is chosen."""
ORDERED: Final = b"if(!t)return(i,r)=>i.timestamp_created-r.timestamp_created;"


def list_in_time_order(app: Any) -> None:
    """Puts the script before mitmweb's own files. One that is made otherwise is served as it is, and said so."""
    from tornado.web import RequestHandler

    folder = Path(app.settings["static_path"])
    scripts = {path.name: path for path in folder.glob("index-*.js") if path.read_bytes().count(UNORDERED) == 1}
    if not scripts:
        log.warning("mitmweb lists flows as they arrive: its front end is not the one Glassgate was made for")
        return

    @cache
    def ordered(name: str) -> bytes:
        return scripts[name].read_bytes().replace(UNORDERED, ORDERED)

    class OrderedScript(RequestHandler):
        def get(self, name: str) -> None:
            self.set_header("Content-Type", "text/javascript; charset=UTF-8")
            self.set_header("Cache-Control", "no-cache")  # the name is that of mitmweb's own
            self.finish(ordered(name))

    names = "|".join(name.replace(".", r"\.") for name in scripts)
    app.add_handlers(".*", [(rf"/static/({names})", OrderedScript)])
