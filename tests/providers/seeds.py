"""Answers of every provider to begin a fuzz from: the kept fixtures, and the kept cases of the sandbox sites."""

import json
from functools import cache
from pathlib import Path

from providers.contract.chat import Message
from providers.contract.operation import Decoder
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.registry import provider_class
from tests.support.turns import turn_of

_FIXTURES = Path(__file__).parents[1] / "fixtures"
_FOLDERS = {"openai_compatible": "openai"}


@cache
def seeds(provider: str) -> tuple[bytes, ...]:
    """Bodies of answers, whole; the shortest first."""
    folder = _FIXTURES / _FOLDERS.get(provider, provider)
    found = [path.read_bytes() for path in sorted(folder.glob("synthetic-*"))]
    for path in sorted((_FIXTURES / "cases").glob("*.glass.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        if case["provider"] == provider:
            found.append("".join(p["data"] for p in case["answer"]["pieces"] if isinstance(p["data"], str)).encode())
    return tuple(sorted({body for body in found if body}, key=len))


@cache
def provider_of(type_name: str) -> Provider[ProviderOptions]:
    """A provider of a type, as it comes."""
    cls = provider_class(type_name)
    needed = {} if cls.web_session else {"base_url": "http://127.0.0.1:1/v1", "models": ["m"]}
    return cls(type_name, cls.Options.model_validate(needed))


def decoder_of(type_name: str, model: str, *, stream: bool) -> Decoder:
    """A fresh decoder for an answer of the model."""
    chat = ChatRequest(model, (Message("user", "Hi"),), stream=stream)
    return turn_of(provider_of(type_name), chat).decoder()
