"""What the layers are given beside what every stream is: by default a client that reads at once."""

from addons.dialects.registry import refusal
from addons.layers.deps import LayerDeps, NoClientTransport
from addons.layers.events import ToStream
from addons.stream.machine_events import WOKEN
from tests.support.drive import Drive, FakeAttempt


def test_by_default_nothing_waits_for_the_client_and_nobody_takes_its_events() -> None:
    drive = Drive([FakeAttempt()], hold={"request"})
    drive.post()
    (stream,) = drive.layer.streams.values()
    transport = LayerDeps(lambda flow: None, drive.watch, refusal).transport
    assert isinstance(transport, NoClientTransport)
    for said in (transport.abort, transport.hold, transport.go_on, transport.end_if_left):
        said("client")
    assert transport.unsent("client") == 0
    assert not transport.hand("client", ToStream(stream, WOKEN, stream.provider))
