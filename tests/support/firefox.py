"""A person's own browser that is none of ours: what a Firefox sends on a completion of each site, and as exports."""

import json
from typing import Any, Final

from providers.contract.browser import is_identity

AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
BROWSER: Final = {
    "User-Agent": AGENT,
    "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "Sec-GPC": "1",
    "DNT": "1",
    "Priority": "u=4",
    "Sec-CH-Prefers-Color-Scheme": "dark",
}
EDGE: Final = "cf_clearance"
"""A cookie of the site's firewall, which belongs to the browser."""
NEVER: Final = {
    "Host": "elsewhere.example",
    "Content-Length": "999",
    "Connection": "keep-alive",
    "TE": "trailers",
    "Upgrade": "websocket",
    "Proxy-Authorization": "Basic eA==",
    "X-Signature": "0" * 64,
    "mtgsig": "old",
    "X-Odd": "odd",
}
"""Headers that are not kept: of the connection, good for one call, or nobody's business."""
SITES: Final[dict[str, dict[str, str]]] = {
    "zai": {"X-FE-Version": "prod-fe-1.1.97", "X-Region": "overseas", "X-Device-Id": "uid_0123456789abcdef"},
    "qwen": {
        "bx-ua": "231!firefox-of-a-person/0123456789",
        "bx-umidtoken": "T2gA-firefox-of-a-person-0123456789",
        "bx-v": "2.5.36",
        "bx-et": "firefox-of-a-person-et",
        "Version": "0.2.99",
        "source": "web",
        "Timezone": "Thu Nov 26 2026 11:00:00 GMT+0100",
    },
    "k2think": {},
    "longcat": {
        "x-client-language": "zh",
        "m-appkey": "fe_com.sankuai.friday.fe.longcat",
        "access-token": "access-0123456789",
    },
}
PATHS: Final = {
    "zai": "/api/v2/chat/completions",
    "qwen": "/api/v2/chat/completions",
    "k2think": "/api/chat/completions",
    "longcat": "/api/v1/chat-completion-V2",
}


def headers_of(site: str, session: dict[str, Any]) -> dict[str, str]:
    """The request's headers, with a session as the vault has it."""
    cookies = {**session.get("cookies", {}), EDGE: "of-a-person"}
    found = {**BROWSER, **SITES[site], **NEVER}
    if token := session.get("token"):
        found["Authorization"] = f"Bearer {token}"
    if cookies:
        found["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return found


def har(*requests: tuple[str, dict[str, str]]) -> bytes:
    entries = [
        {
            "request": {
                "method": "POST",
                "url": url,
                "headers": [{"name": name, "value": value} for name, value in headers.items()],
            },
            "response": {"status": 200, "headers": [], "content": {}},
        }
        for url, headers in requests
    ]
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def curl(url: str, headers: dict[str, str]) -> bytes:
    given = " ".join(f"-H '{name}: {value}'" for name, value in headers.items())
    return f"curl '{url}' --compressed -X POST {given} --data-raw '{{}}'".encode()


def of_browser(headers: dict[str, str]) -> dict[str, str]:
    """What of a received request's headers (lower case) a browser says of itself."""
    return {name: value for name, value in headers.items() if is_identity(name)}
