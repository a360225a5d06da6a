"""The pages that the capture proxy itself shows the person. They load nothing and hold nothing of the session."""

from html import escape
from typing import Final

from mitmproxy import http

HOST: Final = "glassgate.capture"
URL: Final = f"http://{HOST}/"

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 1rem;
color-scheme: light dark }}
main {{ max-width: 34rem; text-align: center }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


def signed_in(provider: str, account: str) -> http.Response:
    text = (
        f"Glassgate has stored the session of {provider}/{account} in its vault. "
        "Do not sign out here: that would end the session. Just close the window."
    )
    return _page("Signed in, you may close this window", text)


def waiting(provider: str, sign_in_page: str) -> http.Response:
    return _page("Not signed in yet", f"Glassgate waits until you have signed in to {provider} at {sign_in_page}.")


def _page(title: str, text: str) -> http.Response:
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "connection": "close",
    }
    return http.Response.make(200, _PAGE.format(title=escape(title), text=escape(text)), headers)
