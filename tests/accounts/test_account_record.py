"""What is taken of an accounts' file, whoever has written it: within bounds, and in words that act on nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account_health import AccountHealth
from addons.accounts.account_record import MODELS_KEPT, records_in
from addons.accounts.cooldown import CooldownRules
from addons.accounts.health import AccountState, Health, after_error
from addons.accounts.state_store import FileStateStore
from providers.contract.errors import ErrorKind, ProviderError
from providers.shared.retry_after import LONGEST_S
from tests.support.accounts import health_in, saved
from tests.support.private_files import private_folder, put

NOW = 1_800_000_000
ACCOUNT = ("zai", "main")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "sessions")


def states(folder: Path) -> FileStateStore:
    return FileStateStore(folder / "accounts.json", lambda: NOW)


def health_of(store: FileStateStore, key: tuple[str, str] = ACCOUNT) -> AccountHealth:
    return health_in(store, key, lambda: NOW)


@pytest.mark.parametrize("words", ["no \ud800 key", "\x1b]0;x\x07", "a\nb", "x" * 10_000, "\0"])
def test_any_words_of_a_provider_can_be_kept(folder: Path, words: str) -> None:
    state = after_error(ProviderError(ErrorKind.RATE_LIMITED, words, retry_after_s=60), NOW, CooldownRules())
    assert state is not None
    assert state.reason.isprintable()
    first = states(folder)
    health_of(first).record(state)
    health_of(first, ("zai", "two")).record(AccountState(Health.EXPIRED, NOW, None, words))
    health_of(first).limit_model(words, AccountState(Health.LIMITED, NOW, NOW + 60, words))
    saved(first)
    kept = states(folder)
    found = health_of(kept).state
    assert found is not None
    assert (found.health, found.until) == (Health.LIMITED, NOW + 60)
    assert len(health_of(kept).models) == 1
    assert health_of(kept, ("zai", "two")).state is not None


@pytest.mark.parametrize("wait_s", [float("inf"), float("nan"), -1e300, 1e300])
def test_no_wait_a_site_names_is_longer_than_a_month(wait_s: float) -> None:
    state = after_error(ProviderError(ErrorKind.QUOTA, "x", retry_after_s=wait_s), NOW, CooldownRules())
    assert state is not None
    assert state.until is not None
    assert NOW <= state.until <= NOW + LONGEST_S


def entry(**state: Any) -> dict[str, Any]:
    return {"state": {"health": "limited", "since": NOW, "until": None, "reason": ""} | state}


@pytest.mark.parametrize(
    ("stored", "health", "until"),
    [
        pytest.param(entry(until=NOW * 5), "limited", NOW + LONGEST_S, id="limited for a century"),
        pytest.param(entry(until=2**62), "limited", NOW + LONGEST_S, id="limited for ever"),
        pytest.param(entry(), "ok", None, id="limited without an end"),
        pytest.param(entry(until=NOW + 60), "limited", NOW + 60, id="limited as it may be"),
        pytest.param(entry(health="expired", since=NOW * 5), "expired", None, id="refused tomorrow"),
        pytest.param(entry(health="dead"), None, None, id="a state that is none"),
        pytest.param(entry(health="expired", since=-5), "expired", None, id="refused before time began"),
    ],
)
def test_a_forged_file_is_bounded(folder: Path, stored: object, health: str | None, until: int | None) -> None:
    put(folder / "accounts.json", {"accounts": {"zai/main": stored}})
    found = health_of(states(folder)).state
    assert (found.health.value if found else None) == health
    if found is not None:
        assert found.until == until
        assert 0 <= found.since <= NOW
        assert found.since == 0 or stored != entry(health="expired", since=-5)


def test_forged_words_names_and_starts_are_bounded(folder: Path) -> None:
    accounts: dict[str, Any] = {f"zai/a{i}": {} for i in range(20_000)}
    accounts["zai/main"] = {
        **entry(until=NOW + 9, reason="\x1b[2J" + "x" * 100_000),
        "models": {f"m{i}\x1b": entry(until=NOW * 9)["state"] for i in range(1000)},
        "starts": [NOW - 5, NOW + 10**9, -1, 1e308, *range(1000)],
    }
    accounts = {"zai/main": accounts.pop("zai/main"), "../../x": entry(), "zai/\x1b": entry(), "noname": {}} | accounts
    path = put(folder / "accounts.json", {"accounts": accounts})
    store = states(folder)
    found = health_of(store)
    state = found.state
    assert state is not None
    assert len(state.reason) <= 500
    assert state.reason.isprintable()
    assert len(found.models) == MODELS_KEPT
    assert all(name.isprintable() and (m.until or 0) < NOW * 2 for name, m in found.models.items())
    assert store.get(ACCOUNT).starts == [NOW - 5]
    store.keep_only([ACCOUNT])
    found.well()
    saved(store)
    assert list(json.loads(path.read_bytes())["accounts"]) == ["zai/main"]


@pytest.mark.parametrize("name", ["zai/", "/main", "zai", "zai/ma in", "z\x1b/main", "../../main", "zai/../main", "/"])
def test_what_is_no_account_is_passed_over(name: str) -> None:
    content = json.dumps({"accounts": {name: entry(), "zai/main": entry()}}).encode()
    assert list(records_in(content, NOW, str)) == [("zai", "main")]
