"""The stylesheet and small script that mitmweb's page gets from us, served beside mitmweb's own.

mitmweb's front end lists comments ragged, shows a view below all headers and cuts its long lines. None of that can be
set, but all of it is a matter of style (web_look.css; web_look.js marks what a stylesheet cannot tell). The page allows
styles and scripts of its own origin alone (`default-src 'self'`), which these are.
"""

import logging
from importlib.resources import files
from typing import Final

from mitmproxy.tools.web.app import IndexHandler, RequestHandler
from tornado.web import Application

log = logging.getLogger("glassgate")

FOLDER: Final = "glassgate"
"""Where the two are found on mitmweb's server."""
_KINDS: Final = {"look.css": "text/css", "look.js": "text/javascript"}
_NAMED: Final = (
    f'<link rel="stylesheet" href="./{FOLDER}/look.css"><script defer src="./{FOLDER}/look.js"></script></head>'
).encode()


class IndexPage(IndexHandler):
    """The handler of mitmweb's one page, with our files in its head."""

    def get(self) -> None:
        self.finish(self.render_string("../index.html").replace(b"</head>", _NAMED, 1))

    post = get  # the password page's form


class Asset(RequestHandler):
    """The handler of the two files."""

    def get(self, name: str) -> None:
        self.set_header("Content-Type", f"{_KINDS[name]}; charset=UTF-8")
        self.set_header("Cache-Control", "no-cache")  # asked for anew after an update; tornado answers 304 otherwise
        self.finish(files(__package__).joinpath(f"web_{name}").read_bytes())


def serve_assets(app: Application) -> None:
    """Puts both handlers before mitmweb's own. Raises nothing: the inspector works without."""
    try:
        app.add_handlers(".*", [(r"/", IndexPage), (rf"/{FOLDER}/({'|'.join(_KINDS)})", Asset)])
    except Exception as e:
        log.warning("mitmweb's page is shown as mitmproxy made it: %s", e)
