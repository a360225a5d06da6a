"""The metrics of requests: their names, labels and buckets; docs/metrics.md says what each is for."""

from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from addons.telemetry.bounded import Family
from addons.telemetry.series import Counter, Histogram

MOST_SERIES: Final = 1000
"""Of one counter."""
MOST_TIMES: Final = 200
"""Series of one histogram, each of which is more than a dozen lines."""
MOST_CODES: Final = 100
_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_WAITS: Final = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60)
_LAGS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_WHO: Final = ("model", "provider", "account")


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry: Final = registry
        PlatformCollector(registry)
        ProcessCollector(registry=registry)
        GCCollector(registry)

        def counter(name: str, about: str, *labels: str, most: int = MOST_SERIES) -> Family[Counter]:
            family = Family(f"glassgate_{name}", about, labels, most, Counter)
            registry.register(family)
            return family

        def times(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Family[Histogram]:
            family = Family(f"glassgate_{name}", about, labels, MOST_TIMES, partial(Histogram, buckets))
            registry.register(family)
            return family

        self.requests: Final = counter(
            "requests_total", "Requests that are over.", "operation", *_WHO, "key", "outcome", "status"
        )
        self.duration: Final = times(
            "request_duration_seconds",
            "From a request's arrival to the end of its answer, where a model was to be asked.",
            _SECONDS,
            "operation",
            "model",
            "provider",
        )
        self.first_token: Final = times(
            "first_token_seconds",
            "From a request's arrival to the first word of its answer.",
            _SECONDS,
            "model",
            "provider",
        )
        self.queue_wait: Final = times(
            "queue_wait_seconds",
            "What requests waited for a turn at an account, or before another attempt.",
            _WAITS,
            "provider",
        )
        self.attempts: Final = counter("attempts_total", "Attempts at accounts that are over.", *_WHO, "result")
        self.errors: Final = counter(
            "errors_total", "Errors that clients were told.", "code", "provider", most=MOST_CODES
        )
        self.tokens: Final = counter(
            "tokens_total",
            "Tokens of all attempts. `cached` is a part of `input`, `reasoning` of `output`.",
            "type",
            *_WHO,
            "key",
        )
        self.cost: Final = counter("cost_dollars_total", "What they cost, where prices are known.", *_WHO, "key")
        self.cache: Final = counter("cache_requests_total", "Requests that were looked for in the cache.", "result")
        self.provider_received: Final = counter(
            "provider_received_bytes_total", "Bodies of providers' answers, unpacked.", "provider"
        )
        self.provider_sent: Final = counter(
            "provider_sent_bytes_total", "Bodies of the requests to providers.", "provider"
        )
        self.client_received: Final = counter("client_received_bytes", "Bodies of clients' requests, unpacked.").of()
        self.client_sent: Final = counter("client_sent_bytes", "Bodies of the answers to clients.").of()
        self.loop_lag: Final = times(
            "event_loop_lag_seconds", "How late the event loop was, four times a second.", _LAGS
        ).of()
        self.families: Final = (
            self.requests, self.duration, self.first_token, self.queue_wait, self.attempts, self.errors, self.tokens,
            self.cost, self.cache, self.provider_received, self.provider_sent,
        )  # fmt: skip
