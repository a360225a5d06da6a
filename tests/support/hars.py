"""HAR files as browsers export them, of entries made by hand."""

import json
from typing import Any


def entry(url: str, *, body: Any = None, set_cookie: str = "", status: int = 200, **headers: str) -> dict[str, Any]:
    content = {"text": json.dumps(body)} if body is not None else {}
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    given = [{"name": "Set-Cookie", "value": set_cookie}] if set_cookie else []
    request = {"method": "GET", "url": url, "headers": named}
    return {"request": request, "response": {"status": status, "headers": given, "content": content}}


def har(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()
