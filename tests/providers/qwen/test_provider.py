"""Qwen in the registry: where its calls go, what its options may be."""

from typing import Any

import pytest
from pydantic import ValidationError

from providers.qwen.options import QwenOptions
from providers.qwen.provider import Qwen
from providers.registry import provider_class
from tests.providers.qwen.accounts import (
    qwen,
)


def test_the_registry_knows_the_adapter() -> None:
    assert provider_class("qwen") is Qwen


def test_calls_go_to_the_site_and_its_sign_in_host_only() -> None:
    assert qwen().origins() == {"https://chat.qwen.ai:443", "https://auth.qwen.ai:443"}


@pytest.mark.parametrize(
    "options",
    [
        {"auth_url": "http://auth.qwen.ai"},
        {"base_url": "ftp://x"},
        {"thinking": "maybe"},
        {"image_size": "2:1"},
        {"thinking_budget": 0},
        {"citations": "footnotes"},
        {"unknown": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QwenOptions(**options)
