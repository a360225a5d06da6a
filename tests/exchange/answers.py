"""Answers of an official API that fail, a gateway with one account, and what a provider was asked for."""

from pathlib import Path
from typing import Any

import httpx

from tests.support.answers import whole
from tests.support.harness import House, api
from tests.support.visit import Visit

DOWN = whole(503, {"error": {"message": "overloaded"}})
NO_KEY = whole(401, {"error": {"message": "no such key", "code": "invalid_api_key"}})
TOO_LONG = whole(400, {"error": {"message": "too long", "code": "context_length_exceeded"}})
FILTERED = whole(400, {"error": {"message": "no", "code": "content_policy_violation"}})
BAD = whole(400, {"error": {"message": "bad", "code": "bad_thing"}})
ONE = "\n  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m, n, o], accounts: [a]}\n"


def one(folder: Path, more: str = "") -> House:
    """A gateway with one account."""
    house = api(folder, more)
    house.providers = ONE
    return house


def limited(after_s: int) -> bytes:
    return whole(429, {"error": {"message": "slow down"}}, retry_after=str(after_s))


def account(visit: Visit) -> str:
    """Whose key the provider was sent."""
    return visit.asked().headers["authorization"].removeprefix("Bearer key-of-")[0]


def model(visit: Visit) -> Any:
    return httpx.Response(200, content=visit.asked().content).json()["model"]
