"""From config.yaml's figures to rules."""

from pathlib import Path

import pytest

from addons.app.rules import (
    API_CONCURRENT,
    FEWEST_CONNECTIONS,
    MOST_CONNECTIONS,
    OTHER_FILES,
    WEB_CONCURRENT,
    accounts_of,
    availability_rules,
    client_limits,
    connection_limits,
    fallbacks_of,
    gate_rules,
    limits_of,
    record_rules,
    retry_rules,
)
from addons.config.configuration import Config
from addons.config.loader import load_config
from addons.routing.retry_policy import Cause

PROVIDERS = """
providers:
  zai: {type: zai, accounts: [main, {name: slow, max_concurrent: 1, queue_s: 3, requests_per_minute: 5}]}
  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1/v1', models: [m], accounts: [a]}
"""


def configured(folder: Path, more: str = "") -> Config:
    file = folder / "config.yaml"
    file.write_text(f"auth: {{tokens: [sk-rules-0123456789abcdef01234567]}}\n{more}{PROVIDERS}")
    file.chmod(0o600)
    return load_config(file, {})


def test_what_an_account_bears_is_its_own_or_its_kinds(tmp_path: Path) -> None:
    main, slow, api = [account.limits for account in accounts_of(configured(tmp_path))]
    assert (main.max_concurrent, api.max_concurrent) == (WEB_CONCURRENT, API_CONCURRENT)
    assert (slow.max_concurrent, slow.queue_s, slow.per_minute) == (1, 3, 5)


def test_what_is_said_of_all_accounts_goes_before_the_usual(tmp_path: Path) -> None:
    main, slow, api = accounts_of(configured(tmp_path, "accounts: {max_concurrent: 7, queue_s: 11}\n"))
    assert [one.limits.max_concurrent for one in (main, slow, api)] == [7, 1, 7]
    assert [one.limits.queue_s for one in (main, slow, api)] == [11, 3, 11]


def test_an_exchange_keeps_to_the_figures(tmp_path: Path) -> None:
    more = "timeouts: {idle_s: 9}\nrouting: {max_attempts: 2}\ninspect: {body_kb: 8}\n"
    more += "limits: {body_mb: 2, upload_mb: 3}\n"
    config = configured(tmp_path, more)
    limits = limits_of(config)
    assert (limits.idle_s, limits.max_attempts, limits.body_bytes, limits.record_bytes) == (9, 2, 2 * 1024**2, 8192)
    assert client_limits(config).body_bytes == limits.body_bytes
    assert client_limits(config).upload_bytes == 3 * 1024 * 1024
    assert "2 MB" in limits.body_message


@pytest.mark.parametrize(
    ("files", "most"),
    [(0, FEWEST_CONNECTIONS), (OTHER_FILES + 200, 100), (10**6, MOST_CONNECTIONS)],
)
def test_connections_fit_into_the_files_that_may_be_open(tmp_path: Path, files: int, most: int) -> None:
    assert connection_limits(configured(tmp_path), files).most == most


def test_what_is_switched_off_has_no_rules(tmp_path: Path) -> None:
    on, off = availability_rules(configured(tmp_path)), "breaker: {enabled: false}\ncooldown: {enabled: false}\n"
    assert on.breaker is not None
    assert on.cooldown is not None
    rules = availability_rules(configured(tmp_path, off))
    assert (rules.breaker, rules.cooldown) == (None, None)
    assert not retry_rules(configured(tmp_path, "retries: {enabled: false}\n")).enabled


def test_a_plain_fallback_stands_in_when_every_account_is_out(tmp_path: Path) -> None:
    more = "routing: {fallbacks: {'M ': [n, {model: o, on: [slow, content]}]}}\n"
    (plain, other) = fallbacks_of(configured(tmp_path, more))["m"]
    assert (plain.model, plain.causes) == ("n", frozenset({Cause.UNAVAILABLE}))
    assert (other.model, other.causes) == ("o", frozenset({Cause.SLOW, Cause.CONTENT}))


def test_hosts_are_known_in_any_case(tmp_path: Path) -> None:
    more = "listen: {allowed_hosts: [Gate.Example], allowed_origins: ['https://app.example']}\n"
    rules = gate_rules(configured(tmp_path, more))
    assert rules.allowed_hosts == {"gate.example"}
    assert rules.allowed_origins == {"https://app.example"}
    assert rules.keys is not None


def test_recordings_lie_beside_the_configuration(tmp_path: Path) -> None:
    rules = record_rules(configured(tmp_path, "record: {enabled: true, folder: kept}\n"))
    assert (rules.enabled, rules.folder) == (True, tmp_path / "kept")
