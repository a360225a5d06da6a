"""What the stream layer is given: its limits in words, and stand-ins that hold nobody up."""

import pytest
from mitmproxy.proxy import commands

from addons.dialects.registry import refusal
from addons.stream.deps import AttemptFailedHook, ClientLimits, NoConnectionTracker, StreamDeps
from tests.support.drive import WatchSet


@pytest.mark.parametrize(
    ("limit", "said"), [(32 * 1024 * 1024, "32 MB"), (512 * 1024, "0.5 MB"), (1024 * 1024 * 3 // 2, "1.5 MB")]
)
def test_the_limit_of_a_body_is_told_as_it_is_configured(limit: int, said: str) -> None:
    assert f"the limit of {said} (limits.body_mb in config.yaml)" in ClientLimits(body_bytes=limit).body_message


def test_by_default_nobody_has_to_make_room_and_nothing_waits() -> None:
    deps = StreamDeps(lambda flow: None, WatchSet(), refusal)
    assert isinstance(deps.tracker, NoConnectionTracker)
    for said in (deps.tracker.spoke, deps.tracker.busy, deps.tracker.idle):
        said(("192.0.2.1", 1))
    assert deps.tracker.client_address(("192.0.2.1", 1), [(b"x-forwarded-for", b"6.6.6.6")]) == "192.0.2.1"
    assert deps.tracker.client_address((), []) == ""
    assert deps.tracker.is_one_client("192.0.2.1")
    assert deps.extra_headers(()) == ()


def test_two_connections_share_nothing_by_default() -> None:
    one, two = (StreamDeps(lambda flow: None, WatchSet(), refusal) for _ in range(2))
    assert one.body_budget is not two.body_budget
    assert one.credentials is not two.credentials
    assert one.log_budget is not two.log_budget


def test_hooks_are_waited_for_under_names_of_their_own() -> None:
    """mitmproxy finds an addon's method by the hook's name; one that is renamed would be called by nobody."""
    assert AttemptFailedHook.name == "attempt_failed"
    assert issubclass(AttemptFailedHook, commands.StartHook)
    assert AttemptFailedHook.blocking
