"""OpenAI's error object: as the body of an answer, and as the last frame of a stream that breaks off.

Chat completions, completions and what the gateway answers itself have this form of error.
"""

import json

from mitmproxy import http

from addons.errors import GatewayError


def error_body(error: GatewayError) -> bytes:
    """The error object as JSON, all four keys present."""
    told = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json.dumps({"error": told}, ensure_ascii=False).encode()


def error_response(error: GatewayError) -> http.Response:
    """The error as an answer, with its retry hints."""
    headers = (("content-type", "application/json"), *error.headers())
    return http.Response.make(error.status, error_body(error), [(n.encode(), v.encode()) for n, v in headers])


def error_frame(error: GatewayError) -> bytes:
    """The error as a server-sent event."""
    return b"data: " + error_body(error) + b"\n\n"
