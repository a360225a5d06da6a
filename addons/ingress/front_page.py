"""What stands at `/`: where one is, and where to go from here. Nothing of accounts, models or the configuration.

A browser gets a page, without any script; every other client the same as JSON. No key is wanted for it.
"""

import base64
import hashlib
import json
from html import escape
from typing import Final

from mitmproxy import http

from addons.config.version import version

NAME: Final = "Glassgate"
_STYLE: Final = """
body { font: 1rem/1.6 system-ui, sans-serif; color-scheme: light dark; max-width: 40rem; margin: 3rem auto;
padding: 0 1rem }
code { font-size: 1.05em }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{style}</style></head>
<body><h1>{name} {version}</h1>
<p>A gateway of OpenAI's and Anthropic's forms. In the settings of your program:</p>
<p>Base URL <code>{base_url}</code>, for programs of Anthropic's form (Claude Code) without <code>/v1</code><br>
Key: one of this gateway's own, from its config.yaml or .env</p>
<p><a href="/healthz">/healthz</a> whether it serves<br>
<a href="/v1/models">/v1/models</a> the models, and
<a href="/openapi.json">/openapi.json</a> the description of its API; for these two a program shows the key</p>
<p>Its documentation lies in the folder <code>docs</code> of the installation; README.md comes first.</p>
</body></html>
"""
_HEADERS: Final = {"cache-control": "no-store", "vary": "Accept, Origin", "x-content-type-options": "nosniff"}
_PAGE_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


def front_page(base_url: str, *, page: bool) -> http.Response:
    """The answer; `base_url` is where the client has reached the gateway, `page` whether it would see a page."""
    if page:
        filled = {"name": NAME, "version": version(), "base_url": base_url}
        text = _PAGE.format(style=_STYLE, **{name: escape(value) for name, value in filled.items()})
        return http.Response.make(200, text, _HEADERS | _PAGE_HEADERS)
    told = {
        "name": NAME,
        "version": version(),
        "base_url": base_url,
        "health": "/healthz",
        "models": "/v1/models",
        "description": "/openapi.json",
    }
    return http.Response.make(200, json.dumps(told), _HEADERS | {"content-type": "application/json"})
