"""Compressed requests in mitmweb: what is kept of them."""

import json

import httpx
import pytest

from tests.ingress.test_compressed_requests import CHATS, MODEL, PACK, body, packed
from tests.support.mitmweb import Web, flows_of, shown
from tests.support.processes import SandboxThread


def post(web: Web, content: bytes, coding: str) -> httpx.Response:
    headers = {**web.headers, "content-type": "application/json", "content-encoding": coding}
    return httpx.post(web.url + CHATS, content=content, headers=headers, timeout=60)


def test_the_inspector_keeps_the_plain_and_cleaned_body(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    secret = sites.site("openai").key
    answer = post(web, packed(body(f"My words, and {secret} by mistake"), "zstd", "gzip"), "zstd, gzip")
    assert answer.status_code == 200
    (flow,) = flows_of(api, answer.headers["x-request-id"])
    told = shown(api, flow, "request", "auto")
    assert "My words" in told
    assert secret not in api.get("/flows").text + told + shown(api, flow, "request", "raw")


@pytest.mark.parametrize("coding", PACK)
def test_of_a_refused_request_no_packed_secret_is_kept(
    web: Web, api: httpx.Client, sites: SandboxThread, coding: str
) -> None:
    secret = sites.site("openai").key
    for content, status in (
        (json.dumps({"model": MODEL, "about": secret}).encode(), 400),
        (body(secret)[:-1], 400),
        (body(secret, model="none"), 404),
    ):
        answer = post(web, packed(content, coding), coding)
        assert answer.status_code == status
        (flow,) = flows_of(api, answer.headers["x-request-id"])
        kept = api.get(f"/flows/{flow['id']}/request/content.data").content
        assert secret.encode() not in kept
        assert b"~hidden~" in kept
        assert not any(name.lower() == "content-encoding" for name, _ in flow["request"]["headers"])
    broken = post(web, packed(body(secret), coding)[:-2], coding)
    (flow,) = flows_of(api, broken.headers["x-request-id"])
    assert api.get(f"/flows/{flow['id']}/request/content.data").content == b""
