"""Signatures of the page's own, known from recordings."""

import pytest

from providers.zai import data as zai_data
from providers.zai.signature import derived_key, sign

AAAA = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
VECTORS = [
    (
        "d0d30815-b85a-4270-af63-b5346a9f3b13",
        "d9fb3ca8-676f-46c3-90c7-ddc70a74e46d",
        "Reply with exactly: ok",
        1771762969397,
        "26be53ded6069ead38e6d4d596e54b020aaa2e17f75a4fa29325ead00484b214",
    ),
    (
        "11111111-2222-4333-8444-555555555555",
        AAAA,
        "Hello, world",
        1760000123456,
        "d6213326f21fac0ed0d26892938b7d0cd7974ef68d4e50164e9e6b46ccdc16d1",
    ),
    (
        "11111111-2222-4333-8444-555555555555",
        AAAA,
        "你好, world 🌏\nline 2",
        1760000123456,
        "0b65393515873e6e1fdd1639b79fd1b5e654d27ee7f607eff71f1b1f877757e4",
    ),
    ("guest-1", AAAA, "", 1760000099999, "83691bc85516e17199a105ce90dc8fbb92df64f9da1ce4cc75aff939a4b5c446"),
    (
        "user-42",
        "123e4567-e89b-12d3-a456-426614174000",
        "Reply with exactly: hi-clean",
        1774500300000,
        "1fe0f2184a7b73b49fa475d9bcad3740109976f7e23959ec1e1d5635eda17591",
    ),
]


@pytest.mark.parametrize(("user", "request_id", "prompt", "stamp", "expected"), VECTORS)
def test_known_signatures(user: str, request_id: str, prompt: str, stamp: int, expected: str) -> None:
    key = zai_data.SIGNATURE_KEY
    assert sign(key, request_id=request_id, timestamp_ms=stamp, user_id=user, prompt=prompt) == expected


def test_known_signature_with_another_key_and_no_user() -> None:
    found = sign(
        "TEST-KEY-DO-NOT-USE",
        request_id="46daabfa-1cdf-4000-8000-000000000000",
        timestamp_ms=1750000000000,
        user_id="",
        prompt="Hello",
    )
    assert found == "445932babc488914f261537fdbc68ccc8bd3be7b9b32a657d450bf644db70348"
    known = "992db111a88286cb70a5d68672e2884d2147bcc19e093f6294c26baae54b5fcf"
    assert derived_key("TEST-KEY-DO-NOT-USE", 1750000000000) == known
