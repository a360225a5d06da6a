"""A body that is passed on: what bounds it, and whose time runs when."""

import pytest

from addons.errors import GatewayError
from addons.stream.deps import ClientLimits
from addons.stream.passed_body import LEAST_BYTES_PER_S, LOOK_S, PassedBody
from addons.upstream.upload import Upload

LIMITS = ClientLimits(upload_bytes=1_000_000, body_s=10)
PROVIDER_S = 60.0


class Anything:
    """An UploadReading that lets everything go on."""

    def feed(self, data: bytes) -> bool | None:
        return True

    def goes_on(self, upload: Upload) -> None:
        self.upload = upload

    def rest(self, data: bytes) -> None:
        if data == b"bad":
            raise GatewayError(400, "bad")

    def end(self) -> None:
        pass


def body(now: float = 0.0) -> PassedBody:
    return PassedBody(Anything(), LIMITS, now, chunked=False)


def test_its_reader_knows_what_passes_it_on() -> None:
    reading = Anything()
    assert PassedBody(reading, LIMITS, 0, chunked=True).upload is reading.upload


@pytest.mark.parametrize(("data", "status"), [(b"x" * 1_000_001, 413), (b"bad", 400)], ids=["too long", "bad"])
def test_what_must_not_go_on_does_not(data: bytes, status: int) -> None:
    found = body()
    with pytest.raises(GatewayError) as caught:
        found.take(data, 0)
    assert caught.value.status == status
    assert not found.upload.handed_bytes


def test_a_silent_client_is_late() -> None:
    found = body()
    found.take(b"x" * 100_000, 4)
    assert (found.due(4, PROVIDER_S), found.is_late(13.9), found.is_late(14)) == (14, False, True)


def test_a_byte_now_and_then_is_too_little() -> None:
    found, now = body(), 0.0
    while not found.is_late(now):
        found.take(b"x", now)
        now += 9
    assert now == 18


def test_a_slow_client_that_goes_on_is_not_late() -> None:
    found = body()
    for now in range(100):
        assert not found.is_late(now)
        found.take(b"x" * LEAST_BYTES_PER_S, now)
        found.upload.handed_bytes = 0


def test_while_a_client_is_held_the_time_is_the_providers() -> None:
    found = body()
    found.hold(5)
    assert not found.is_late(1000)
    assert found.due(5, PROVIDER_S) == 5 + LOOK_S
    assert not found.is_not_taken(64, PROVIDER_S), "before it was held, nothing waited for a provider"
    assert found.is_not_taken(65, PROVIDER_S)
    found.taken(59)
    assert not found.is_not_taken(65, PROVIDER_S)
    found.go_on(60)
    assert not found.is_not_taken(1000, PROVIDER_S)
    assert (found.is_late(64.9), found.is_late(65)) == (False, True), "what was held does not count"
