"""Reader of whole exchanges, as mitmproxy flows, from a HAR or a flow file."""

import base64
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mitmproxy import exceptions, http
from mitmproxy.io import FlowReader
from mitmproxy.io.har import request_to_flow

from addons.importing.contents import ImportProblem
from providers.formats.jsontext import mapping, text


def read_exchanges(data: bytes) -> list[http.HTTPFlow]:
    """The HTTP exchanges of a browser's HAR or of a mitmproxy flow file, in order. Raises ImportProblem."""
    if not data.strip():
        raise ImportProblem("the file is empty")
    found = list(_of_har(data) if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else _of_flows(data))
    if not found:
        raise ImportProblem("the file holds no HTTP exchange")
    return found


def _of_flows(data: bytes) -> Iterator[http.HTTPFlow]:
    count = 0
    try:
        for flow in FlowReader(io.BytesIO(data)).stream():
            if isinstance(flow, http.HTTPFlow):
                count += 1
                yield flow
    except (exceptions.FlowReadException, ValueError, TypeError, KeyError):
        if not count:
            raise ImportProblem("this is neither a HAR nor a flow file this mitmproxy can read") from None


def _of_har(data: bytes) -> Iterator[http.HTTPFlow]:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ImportProblem("this HAR is no whole JSON file: it was cut off or edited") from None
    entries = mapping(mapping(value).get("log")).get("entries")
    if not isinstance(entries, list):
        raise ImportProblem("this JSON is no HAR: it has no log.entries")
    for entry in entries:
        try:
            yield request_to_flow(_complete(mapping(entry)))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            continue  # an aborted or blocked call has no answer to show


def _complete(entry: Any) -> dict[str, Any]:
    """The entry with all that mitmproxy's reader needs; text as bytes, which it would else take for Latin-1."""
    request, response = dict(mapping(entry.get("request"))), dict(mapping(entry.get("response")))
    content = dict(mapping(response.get("content")))
    if text(content.get("encoding")) != "base64":
        content |= {"text": base64.b64encode(text(content.get("text")).encode()).decode(), "encoding": "base64"}
    headers = [
        pair for pair in response.get("headers", []) if text(mapping(pair).get("name")).lower() != "content-encoding"
    ]
    request.setdefault("httpVersion", "HTTP/1.1")
    if "postData" in request:
        request["postData"] = {"text": text(mapping(request["postData"]).get("text"))}
    response |= {"content": content, "headers": headers, "httpVersion": response.get("httpVersion") or "HTTP/1.1"}
    time_ms = entry.get("time")
    return {
        "startedDateTime": text(entry.get("startedDateTime")) or datetime.fromtimestamp(0, UTC).isoformat(),
        "time": time_ms if isinstance(time_ms, int | float) and time_ms >= 0 else 0,
        "request": request,
        "response": response,
    }
