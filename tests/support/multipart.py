"""A multipart body with one file, as browsers write it."""

from providers.sandbox.server import Request
from tests.support.asked import request

BOUNDARY = "----WebKitFormBoundaryabc"


def body(data: bytes, name: str = "a.png", kind: str = "image/png", field: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}'
    return head.encode() + b"\r\n\r\n" + data + f"\r\n--{BOUNDARY}--\r\n".encode()


CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def upload(
    path: str, data: bytes, name: str = "a.png", kind: str = "image/png", field: str = "file", **headers: str
) -> Request:
    return request("POST", path, body(data, name, kind, field), content_type=CONTENT_TYPE, **headers)
