"""The stream layer, event by event: the limits of time, on the test's clock."""

from addons.stream.port import Fault
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, chunk, status_of


def test_silence_after_the_commit_is_kept_alive_and_then_ended() -> None:
    attempt = FakeAttempt(keepalive_s=15, idle_s=40)
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    drive.tick(15)
    assert drive.to_client.endswith(chunk(b": keep-alive\n\n"))
    drive.tick(15)
    assert drive.to_client.count(b": keep-alive") == 2
    drive.tick(10.1)
    assert attempt.faults[0][0] is Fault.IDLE_TIMEOUT
    assert drive.to_client.endswith(chunk(b"data: {last words}\n\n") + END)
    assert drive.servers[0] in drive.closed


def test_words_of_the_provider_put_the_idle_limit_off() -> None:
    attempt = FakeAttempt(keepalive_s=1000, idle_s=40)
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    for _ in range(5):
        drive.tick(39)
        drive.server_sends(chunk(b"more "))
    assert not attempt.faults


def test_total_limit_holds_although_words_keep_coming() -> None:
    attempt = FakeAttempt(total_s=100, idle_s=50, keepalive_s=1000)
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    for _ in range(3):
        drive.tick(34)
        if not attempt.faults:
            drive.server_sends(chunk(b"more "))
    assert attempt.faults[0][0] is Fault.TOTAL_TIMEOUT


def test_a_late_provider_is_kept_alive_before_its_first_word() -> None:
    attempt = FakeAttempt(keepalive_s=15, first_token_s=100)
    attempt.keepalive_before_first_token = True
    drive = Drive([attempt])
    drive.post()
    drive.tick(15)
    assert status_of(drive.to_client) == 200
    assert drive.to_client.endswith(chunk(b": keep-alive\n\n"))


def test_a_request_that_goes_out_again_has_its_own_time_to_connect() -> None:
    first, attempt = FakeAttempt(), FakeAttempt(connect_s=5, first_token_s=60)
    drive = Drive([first, attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"[DONE]") + END)
    drive.post()
    drive.tick(20)
    drive.hold = {"connect"}
    drive.server_closes()
    drive.tick(4.9)
    assert not attempt.faults
    drive.tick(0.2)
    assert attempt.faults[0][0] is Fault.CONNECT_TIMEOUT


def test_no_timer_is_left_when_a_request_is_over() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x "))
    drive.server_sends(chunk(b"[DONE]") + END)
    drive.tick(2)
    assert not drive.watch
