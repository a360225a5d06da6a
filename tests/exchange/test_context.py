"""The limits an exchange keeps to: those of an empty config.yaml, and in an order that can be kept."""

import dataclasses
from pathlib import Path

import pytest

from addons.app.rules import limits_of
from addons.config.loader import load_config
from addons.exchange.context import Context, Limits


def test_the_defaults_are_those_of_an_empty_config(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "auth: {tokens: [sk-context-0123456789abcdef0123]}\nproviders: {zai: {type: zai, accounts: [main]}}\n"
    )
    file.chmod(0o600)
    found = limits_of(load_config(file, {}))
    assert dataclasses.replace(found, body_message=Limits().body_message) == Limits()


def test_the_defaults_leave_each_wait_its_time() -> None:
    limits = Limits()
    assert limits.connect_s < limits.slow_s < limits.first_token_s <= limits.first_token_thinking_s < limits.total_s
    assert limits.keepalive_s < limits.idle_s < limits.total_s


@pytest.mark.parametrize("kind", [Limits, Context])
def test_a_snapshot_does_not_change_under_an_exchange(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert not any(field.name.startswith("_") for field in dataclasses.fields(kind))
