"""A session of an agent as one file, and as one case: recorded through a gateway, kept, read again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addons.app.job_list import TEND_EVERY_S
from addons.inspect.annotation import annotation_of
from addons.recordings.kept_files import ENDING
from addons.recordings.recording import Recording, RecordingProblem
from addons.recordings.session_file import read_recordings, session_case, sessions_in
from tests.recordings.test_recording import delivered, recorded
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
ASKS: dict[str, Any] = {"role": "user", "content": "What is the weather in Paris?"}


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """A gateway that has recorded a tool round trip of an agent, its retry, and a question of somebody else's."""
    folder = tmp_path_factory.mktemp("session")
    record = {"enabled": True, "folder": str(folder / "kept")}
    with Sites(("zai",)) as sites, Served(folder, sites, record=record, **NO_REST) as gateway:
        headers = gateway.headers | {"x-session-affinity": "ses_of_a_person"}
        with gateway.http(headers=headers, timeout=60) as http:

            def ask(*messages: dict[str, Any]) -> dict[str, Any]:
                body = {"model": "GLM-4.6", "tools": [TOOL], "messages": list(messages)}
                answer = http.post("/v1/chat/completions", json=body)
                assert answer.status_code == 200, answer.text
                message: dict[str, Any] = answer.json()["choices"][0]["message"]
                return message

            said = ask(ASKS)
            call = said["tool_calls"][0]
            result = {"role": "tool", "tool_call_id": call["id"], "content": "It rains."}
            for _ in range(2):
                ask(ASKS, {"role": "assistant", "content": None, "tool_calls": [call]}, result)
        gateway.post({"model": "GLM-4.6", "messages": [{"role": "user", "content": "Hi"}]})
        gateway.pass_s(TEND_EVERY_S)
        yield gateway, folder / "kept"


def test_the_flows_of_a_session_are_found_by_it_and_the_retry_is_marked(agent: tuple[Served, Path]) -> None:
    gateway, _ = agent
    noted = [found for flow in gateway.house.flows() if (found := annotation_of(flow)) and found.part == "attempt"]
    [name] = {one.session for one in noted if one.session}
    assert "ses_of_a_person" not in name
    comments = [flow.comment for flow in gateway.house.flows() if f"session {name}" in flow.comment]
    assert len(comments) == 3
    assert ["retry 1" in comment for comment in comments] == [False, False, True]


def test_a_session_becomes_one_case_that_is_read_alike(agent: tuple[Served, Path], tmp_path: Path) -> None:
    gateway, kept = agent
    asked = gateway.command("cases", "add", str(kept), "--folder", str(tmp_path), "--yes")
    assert asked.exit_code == 1
    name = asked.stderr.rpartition("it has: ")[2].split()[0]
    assert f"{name} (3 exchanges)" in asked.stderr
    added = gateway.command("cases", "add", str(kept), "--session", name, "--folder", str(tmp_path), "--yes")
    assert added.exit_code == 0, added.output
    file = tmp_path / f"session-{name}{ENDING}"
    assert "exchange 3: GLM-4.6 ok: " in added.stdout
    checked = gateway.command("replay", "--check", str(file))
    assert (checked.exit_code, checked.output.count("is read alike")) == (0, 3), checked.output
    assert "ses_of_a_person" not in file.read_text(encoding="utf-8")
    assert gateway.command("cases", "add", str(file), "--session", name).exit_code == 1
    changed = tmp_path / f"changed{ENDING}"
    first = json.loads(file.read_text(encoding="utf-8"))
    first["exchanges"][0]["delivered"] = ""
    changed.write_text(json.dumps(first), encoding="utf-8")
    result = gateway.command("replay", "--check", str(changed))
    assert (result.exit_code, "exchange 1: is read differently" in result.output) == (1, True)


# -- the file itself ---------------------------------------------------------------------------------------------------
def of_session(name: str = "3fa2c1", **more: Any) -> Recording:
    return recorded().model_copy(update={"session": name, **more})


def test_it_is_written_and_read_again_in_order() -> None:
    case = session_case([of_session(request_id="req_1"), of_session(request_id="req_2")])
    again = read_recordings(case.dump(), "x")
    assert [one.request_id for one in again] == ["req_1", "req_2"]
    assert again == case.recordings
    assert read_recordings(recorded().dump()) == (recorded(),)


def test_sessions_are_told_apart_and_preparing_calls_are_in_none() -> None:
    found = sessions_in([of_session("a"), of_session("b"), of_session("a"), of_session("a", part="step"), recorded()])
    assert {name: len(recordings) for name, recordings in found.items()} == {"a": 2, "b": 1}


def test_what_cannot_be_read_again_is_left_out_and_said() -> None:
    case = session_case([of_session(answer=None), of_session()])
    assert len(case.recordings) == 1
    assert case.left_out[0].startswith("exchange 1 is left out: the provider did not answer")
    with pytest.raises(RecordingProblem, match="no exchange of this session"):
        session_case([of_session(answer=None)])


def test_what_differs_is_told() -> None:
    assert session_case([of_session(delivered=delivered("Another"))]).differs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no whole JSON file"),
        ("[" * 100_000, "no whole JSON file"),
        ("[]", "no recording"),
        ('{"format": "glassgate-session"}', "without exchanges"),
        ('{"format": "glassgate-session", "version": 2, "exchanges": [1]}', "of another version"),
        ('{"format": "glassgate-session", "version": 1, "exchanges": []}', "without exchanges"),
        ('{"format": "glassgate-session", "version": 1, "exchanges": [5]}', "x, exchange 1 is no recording"),
    ],
)
def test_files_that_are_none_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(RecordingProblem, match=words):
        read_recordings(text, "x")
