"""Recorded exchanges as a site: asked the same, it answers the same, at the pace it was recorded."""

import asyncio
import json
from typing import Any

import pytest

from addons.recordings.recording import Recording
from addons.recordings.replay_site import ReplaySite, replay_sites
from tests.recordings.test_recording import recorded
from tests.support.asked import RecordedAnswer, ask, asked, request
from tests.support.virtual_time import run_virtual


def one(
    answer: bytes = b"x",
    body: Any = None,
    *,
    method: str = "POST",
    path: str = "/api",
    provider: str = "zai",
    arrivals: tuple[tuple[float, int], ...] = (),
) -> Recording:
    """A recording whose request and answer are a test's."""
    made = recorded(answer, arrivals, provider_type=provider)
    url = f"https://chat.z.ai{path}?x=1"
    asked_for = made.request.model_copy(update={"method": method, "url": url, "body": json.dumps(body)})
    return made.model_copy(update={"request": asked_for})


def test_it_answers_by_method_and_path_with_what_was_recorded() -> None:
    site = ReplaySite(recordings=[one(b"posted"), one(b"got", method="GET"), one(b"other", path="/b")], speed=0)
    found = ask(site, "POST", "/api?other=query")
    assert (found.status, found.body, found.whole) == (200, b"posted", True)
    assert found.headers["content-type"] == "text/event-stream"
    assert ask(site, "GET", "/api").body == b"got"
    assert ask(site, "POST", "/b").body == b"other"


def test_what_was_not_recorded_is_said() -> None:
    found = ask(ReplaySite(recordings=[one()], speed=0), "PUT", "/api")
    assert (found.status, found.json["error"]["message"]) == (404, "no recording of PUT /api")


def test_of_several_the_one_whose_words_are_most_alike_answers() -> None:
    id_ = "12345678-1234-4123-8123-123456789abc"
    site = ReplaySite(
        recordings=[one(b"hello", {"say": ["hello", id_]}), one(b"bye", {"say": {"more": ["bye", "now"]}})], speed=0
    )
    for _ in range(2):
        assert ask(site, "POST", "/api", {"q": "hello"}).body == b"hello"
        assert ask(site, "POST", "/api", {"q": ["now", "bye"]}).body == b"bye"
    assert ask(site, "POST", "/api", {"q": [id_, "bye"]}).body == b"bye", "ids are no words"


@pytest.mark.parametrize(
    "times", [["2026-11-26 23:41:02", "23:41:02"], ["2026-11-26T23:41:02.123Z"], ["Thu Nov 26 2026 23:41:02 GMT+0000"]]
)
def test_one_of_the_same_second_is_not_more_alike(times: list[str]) -> None:
    """It was served in the place of the one that was asked for, whenever two seconds happened to be the same."""
    site = ReplaySite(recordings=[one(b"right", ["hello"]), one(b"of that second", ["bye", *times])], speed=0)
    assert [ask(site, "POST", "/api", ["hello", *times]).body for _ in range(2)] == [b"right", b"right"]


def test_alike_ones_answer_in_turn_and_round_again() -> None:
    site = ReplaySite(recordings=[one(b"1"), one(b"2"), one(b"3")], speed=0)
    assert [ask(site, "POST", "/api").body for _ in range(5)] == [b"1", b"2", b"3", b"1", b"2"]


@pytest.mark.parametrize("body", [b"", b"{", b"5", b"[null, true]", b"\xff"])
def test_a_body_of_any_kind_is_answered(body: bytes) -> None:
    assert ask(ReplaySite(recordings=[one(b"x", {"a": "b"})], speed=0), "POST", "/api", body).body == b"x"


def test_one_without_an_answer_hangs_up() -> None:
    silent = one().model_copy(update={"answer": None})
    found = ask(ReplaySite(recordings=[silent], speed=0), "POST", "/api")
    assert (found.status, found.end) == (0, "closed")


@pytest.mark.parametrize(("speed", "took"), [(1.0, 3.0), (2.0, 1.5), (0.0, 0.0)])
def test_pieces_come_at_the_pace_of_the_recording(speed: float, took: float) -> None:
    site = ReplaySite(recordings=[one(b"abc", arrivals=((1.0, 1), (1.0, 1), (3.0, 1)))], speed=speed)

    async def timed() -> tuple[RecordedAnswer, float]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        return await asked(site, request("POST", "/api")), loop.time() - begun

    found, seconds = run_virtual(timed())
    assert found.body == b"abc"
    assert seconds == pytest.approx(took)


def test_recordings_stand_in_the_place_of_their_sites() -> None:
    found = replay_sites([one(b"z"), one(b"q", provider="qwen"), one(b"o", provider="openai_compatible")], 0)
    assert list(found) == ["zai", "qwen", "openai"]
    zai, qwen = found["zai"], found["qwen"]
    assert isinstance(zai, ReplaySite)
    assert zai.session()["token"]
    assert zai.companions() == {}
    assert ask(zai, "POST", "/api").body == b"z"
    assert {name: ask(site, "POST", "/api").body for name, site in qwen.companions().items()} == {
        "auth": b"q",
        "oss": b"q",
    }
