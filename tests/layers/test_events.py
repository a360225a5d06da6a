"""The events between what is outside of mitmproxy's layers and their streams."""

from mitmproxy.proxy import commands

from addons.layers.events import Tick, YieldControlHook
from tests.support.drive import Drive, FakeAttempt


def test_giving_others_a_turn_is_a_hook_that_is_waited_for() -> None:
    """mitmproxy finds an addon's method by the hook's name."""
    assert YieldControlHook.name == "yield_control"
    assert issubclass(YieldControlHook, commands.StartHook)
    assert YieldControlHook.blocking


def test_a_tick_names_who_is_due() -> None:
    drive = Drive([FakeAttempt()])
    watched = drive.layer
    assert Tick(watched).watched is watched
