"""What the gateway answers itself: without a plan, and where another addon has an answer."""

from mitmproxy import http

from tests.support.machine_drive import MachineDrive, PiecewiseAttempt, told


def test_nothing_is_sent_without_a_plan() -> None:
    drive = MachineDrive(plan=False)
    assert told(drive.post()) == "requestheaders request responseheaders response head:500 data Over SendEnd"


def test_an_answer_of_another_addon_takes_the_place_of_the_plan() -> None:
    drive = MachineDrive(PiecewiseAttempt(), plan=False)
    drive.at_hook = lambda hook: setattr(hook.args()[0], "response", http.Response.make(204))
    assert told(drive.post()).endswith("response head:204 Over SendEnd")
