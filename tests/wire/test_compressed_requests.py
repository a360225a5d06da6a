"""Compressed requests through a real gateway: what they come to, what they cost, what is kept of them."""

import gzip
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest
import zstandard

from tests.support.mitmweb import Web, flows_of, shown
from tests.support.processes import NO_REST, Gateway, SandboxThread

MB = 1024 * 1024
MODEL = "sandbox-large"
CHATS = "/v1/chat/completions"
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstandard.compress,
}


def body(prompt: str, **more: Any) -> bytes:
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": prompt}], **more}).encode()


def packed(data: bytes, *codings: str) -> bytes:
    for coding in codings:
        data = PACK[coding](data)
    return data


def post(gateway: Gateway, content: bytes, coding: str, **more: str) -> httpx.Response:
    headers = {**gateway.headers, "content-type": "application/json", "content-encoding": coding, **more}
    return httpx.post(gateway.url + CHATS, content=content, headers=headers, timeout=60)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("codings", [(name,) for name in PACK] + [("gzip", "br"), ("zstd", "gzip")])
def test_a_compressed_chat_is_answered(
    gateway: Gateway, sites: SandboxThread, codings: tuple[str, ...], stream: bool
) -> None:
    sent = body(f"Packed as {codings}", stream=stream)
    answer = post(gateway, packed(sent, *codings), ", ".join(codings))
    assert answer.status_code == 200
    assert "Hello from the sandbox" in answer.text
    asked = sites.site("openai").requests[-1]
    assert asked.json()["messages"] == json.loads(sent)["messages"]
    assert "content-encoding" not in asked.headers


def test_what_is_big_when_it_is_inflated_is_answered(gateway: Gateway, sites: SandboxThread) -> None:
    words = "a" * (9 * MB)
    answer = post(gateway, packed(body(f"{words}\n!sandbox text=yes"), "gzip"), "gzip")
    assert answer.status_code == 200
    assert len(sites.site("openai").requests[-1].json()["messages"][0]["content"]) > 9 * MB


@pytest.mark.parametrize("codings", [(name,) for name in PACK] + [("gzip", "br"), ("zstd", "zstd")])
def test_a_bomb_is_413_and_says_which_limit(gateway: Gateway, codings: tuple[str, ...]) -> None:
    bomb = packed(b'{"model":"' + bytes(64 * MB) + b'"}', *codings)
    assert len(bomb) < 400_000
    answer = post(gateway, bomb, ", ".join(codings))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, "request_too_large")
    assert "limits.body_mb" in error["message"]


def test_what_is_too_large_as_it_was_sent_is_413_too(gateway: Gateway) -> None:
    answer = post(gateway, os.urandom(33 * MB), "gzip")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("how", ["cut", "plain", "empty"])
def test_what_is_not_so_compressed_is_400(gateway: Gateway, coding: str, how: str) -> None:
    whole = packed(body("Hi"), coding)
    answer = post(gateway, {"cut": whole[:-2], "plain": body("Hi"), "empty": b""}[how], coding)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_encoding")
    assert coding in error["message"]


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip, gzip", "aes128gcm", "x"])
def test_other_codings_are_415_at_the_head(gateway: Gateway, coding: str) -> None:
    answer = post(gateway, packed(body("Hi"), "gzip"), coding)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "gzip, deflate, br, zstd"


def test_identity_is_no_coding(gateway: Gateway) -> None:
    assert post(gateway, body("Hi"), "identity").status_code == 200


def test_who_has_no_key_has_nothing_inflated(gateway: Gateway) -> None:
    answer = post(gateway, packed(bytes(64 * MB), "gzip"), "gzip", authorization="Bearer wrong-key-entirely")
    assert (answer.status_code, answer.headers["connection"]) == (401, "close")


def test_what_was_inflated_is_given_back(sites: SandboxThread, tmp_path: Path) -> None:
    """Those of a key may be inflated to 8 bodies of the largest size, which these would pass otherwise."""
    tmp_path.chmod(0o700)
    good, big = (packed(body("a" * size + "\n!sandbox pace_ms=0 text=yes"), "gzip") for size in (9_000, 12_000))
    with Gateway(tmp_path, sites.description(), limits={"body_mb": 0.01}, **NO_REST) as gateway:
        headers = {**gateway.headers, "content-encoding": "gzip"}
        with httpx.Client(base_url=gateway.url, headers=headers, timeout=30) as client:
            for _ in range(25):
                found = [client.post(CHATS, content=content).status_code for content in (good, big, good[:-1])]
                assert found == [200, 413, 400]


# -- what is kept -----------------------------------------------------------------------------------------------------
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
