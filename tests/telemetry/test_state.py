"""The state of a moment as metrics."""

from prometheus_client import CollectorRegistry

from addons.accounts.health import Health
from addons.telemetry.state import AccountNow, Now, StateCollector


def test_each_account_has_one_state_its_queue_and_its_breakers() -> None:
    registry, collector = CollectorRegistry(), StateCollector()
    registry.register(collector)
    breakers = {"closed": 1, "half_open": 0, "open": 2}
    collector.now = Now("1.2", 7, 5, True, 1, (AccountNow("zai", "a", Health.LIMITED, 2, 3, breakers),), 640, 4)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"glassgate_{name}", labels)

    who = {"provider": "zai", "account": "a"}
    assert [value("account_state", state=state, **who) for state in ("ok", "limited", "blocked")] == [0, 1, 0]
    assert sum(value("account_state", state=state.value, **who) or 0 for state in Health) == 1
    assert (value("account_requests_running", **who), value("queue_waiting", **who)) == (2, 3)
    assert [value("account_breakers", state=state, **who) for state in breakers] == [1, 0, 2]
    assert value("build_info", version="1.2") == 1
    told = ("requests_running", "streams_running", "draining", "problems", "cache_bytes", "cache_answers")
    assert [value(name) for name in told] == [7, 5, 1, 1, 640, 4]


def test_of_a_gateway_without_accounts_all_else_is_told() -> None:
    registry, collector = CollectorRegistry(), StateCollector()
    registry.register(collector)
    assert registry.get_sample_value("glassgate_requests_running") == 0
