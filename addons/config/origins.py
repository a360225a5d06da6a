"""Origins of web pages, as `listen.allowed_origins` names them, in the one form browsers send them. Pure."""

import re
from typing import Final

NULL: Final = "null"
"""What pages without an origin of their own send: files, sandboxed frames. Any page can make one of those."""

_ORIGIN: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{0,31})://([A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?/?"
)
_USUAL_PORTS: Final = {"http": "80", "https": "443"}


def origin_of(text: str) -> str:
    """An origin out of config.yaml in the form browsers send it. Raises ValueError."""
    given = text.strip()
    if given == NULL:
        return given
    if given == "*":
        raise ValueError(
            "name each origin whose pages may ask (https://app.example); '*' would let in all pages there are"
        )
    found = _ORIGIN.fullmatch(given)
    if found is None or not 1 <= int(found[3] or 1) <= 65535:
        raise ValueError("must be an origin of web pages: https://app.example or http://localhost:3000, without a path")
    scheme, host, port = found[1].lower(), found[2], found[3]
    if scheme in _USUAL_PORTS:
        host = host.lower()
    port = str(int(port)) if port else ""
    return f"{scheme}://{host}:{port}" if port and port != _USUAL_PORTS.get(scheme) else f"{scheme}://{host}"
