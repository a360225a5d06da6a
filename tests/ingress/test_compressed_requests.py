"""Compressed requests through a gateway: what they come to, what they cost."""

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

from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

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


def post(gateway: Served, content: bytes, coding: str, **more: str) -> httpx.Response:
    headers = {**gateway.headers, "content-type": "application/json", "content-encoding": coding, **more}
    return gateway.request("POST", CHATS, content=content, headers=headers)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("codings", [(name,) for name in PACK] + [("gzip", "br"), ("zstd", "gzip")])
def test_a_compressed_chat_is_answered(gateway: Served, sites: Sites, codings: tuple[str, ...], stream: bool) -> None:
    sent = body(f"Packed as {codings}", stream=stream)
    answer = post(gateway, packed(sent, *codings), ", ".join(codings))
    assert answer.status_code == 200
    assert "Hello from the sandbox" in answer.text
    asked = sites.site("openai").requests[-1]
    assert asked.json()["messages"] == json.loads(sent)["messages"]
    assert "content-encoding" not in asked.headers


def test_what_is_big_when_it_is_inflated_is_answered(gateway: Served, sites: Sites) -> None:
    words = "a" * (9 * MB)
    answer = post(gateway, packed(body(f"{words}\n!sandbox text=yes"), "gzip"), "gzip")
    assert answer.status_code == 200
    assert len(sites.site("openai").requests[-1].json()["messages"][0]["content"]) > 9 * MB


@pytest.mark.parametrize("codings", [(name,) for name in PACK] + [("gzip", "br"), ("zstd", "zstd")])
def test_a_bomb_is_413_and_says_which_limit(gateway: Served, codings: tuple[str, ...]) -> None:
    bomb = packed(b'{"model":"' + bytes(64 * MB) + b'"}', *codings)
    assert len(bomb) < 400_000
    answer = post(gateway, bomb, ", ".join(codings))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, "request_too_large")
    assert "limits.body_mb" in error["message"]


def test_what_is_too_large_as_it_was_sent_is_413_too(gateway: Served) -> None:
    answer = post(gateway, os.urandom(33 * MB), "gzip")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("how", ["cut", "plain", "empty"])
def test_what_is_not_so_compressed_is_400(gateway: Served, coding: str, how: str) -> None:
    whole = packed(body("Hi"), coding)
    answer = post(gateway, {"cut": whole[:-2], "plain": body("Hi"), "empty": b""}[how], coding)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_encoding")
    assert coding in error["message"]


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip, gzip", "aes128gcm", "x"])
def test_other_codings_are_415_at_the_head(gateway: Served, coding: str) -> None:
    answer = post(gateway, packed(body("Hi"), "gzip"), coding)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "gzip, deflate, br, zstd"


def test_identity_is_no_coding(gateway: Served) -> None:
    assert post(gateway, body("Hi"), "identity").status_code == 200


def test_who_has_no_key_has_nothing_inflated(gateway: Served) -> None:
    answer = post(gateway, packed(bytes(64 * MB), "gzip"), "gzip", authorization="Bearer wrong-key-entirely")
    assert (answer.status_code, answer.headers["connection"]) == (401, "close")


def test_what_was_inflated_is_given_back(sites: Sites, tmp_path: Path) -> None:
    """Those of a key may be inflated to 8 bodies of the largest size, which these would pass otherwise."""
    good, big = (packed(body("a" * size + "\n!sandbox pace_ms=0 text=yes"), "gzip") for size in (9_000, 12_000))
    with Served(tmp_path, sites, limits={"body_mb": 0.01}, **NO_REST) as gateway:
        headers = {**gateway.headers, "content-encoding": "gzip"}
        with gateway.http(headers=headers) as client:
            for _ in range(25):
                found = [client.post(CHATS, content=content).status_code for content in (good, big, good[:-1])]
                assert found == [200, 413, 400]
