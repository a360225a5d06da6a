"""Recordings out of what a browser or another proxy saw: a HAR, a flow file."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from addons.cli.main import main
from addons.importing.contents import ImportProblem
from addons.importing.exchanges import read_exchanges
from addons.recordings.check import delivered_lines
from addons.recordings.foreign import import_recordings
from addons.recordings.kept_files import ENDING
from addons.recordings.recording import Recording

URL = (
    "https://chat.z.ai/api/v2/chat/completions?token=aVerySecretToken0123&user_id=12345678-1234-4123-8123-123456789abc"
)
TOKEN = "aVerySecretToken0123"
COOKIE = "acookiethatissecret"
STREAM = (
    'data: {"type":"chat:completion","data":{"delta_content":"Café ","phase":"answer"}}\n\n'
    'data: {"type":"chat:mood","data":{"who":"person@example.org"}}\n\n'
    'data: {"type":"chat:completion","data":{"delta_content":"crème","phase":"answer"}}\n\n'
    'data: {"type":"chat:completion","data":{"phase":"done","done":true}}\n\n'
)
ASKED = {"model": "GLM-4.6", "stream": True, "messages": [{"role": "user", "content": "Where?"}]}


def entry(url: str = URL, body: str = STREAM, kind: str = "text/event-stream", **more: Any) -> dict[str, Any]:
    """One entry as Chrome writes it."""
    request = {
        "method": "POST",
        "url": url,
        "httpVersion": "h2",
        "headers": [{"name": "authorization", "value": f"Bearer {TOKEN}"}, {"name": "cookie", "value": f"a={COOKIE}"}],
        "postData": {"mimeType": "application/json", "text": json.dumps(ASKED)},
    }
    response = {
        "status": 200,
        "httpVersion": "h2",
        "headers": [{"name": "content-type", "value": kind}, {"name": "content-encoding", "value": "br"}],
        "content": {"size": len(body), "mimeType": kind, "text": body},
    }
    return {"startedDateTime": "2026-11-20T10:00:00.000Z", "time": 100, "request": request, "response": response} | more


def har(*entries: object) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def flow_file(*flows: http.HTTPFlow) -> bytes:
    out = io.BytesIO()
    for flow in flows:
        FlowWriter(out).add(flow)
    return out.getvalue()


def seen(url: str = URL, body: bytes = STREAM.encode(), kind: str = "text/event-stream") -> http.HTTPFlow:
    request = http.Request.make("POST", url, json.dumps(ASKED), [(b"authorization", b"Bearer " + TOKEN.encode())])
    return tflow.tflow(req=request, resp=http.Response.make(200, body, {"content-type": kind}))


@pytest.mark.parametrize("data", [har(entry()), flow_file(seen())], ids=["HAR", "flow file"])
def test_a_chat_becomes_a_recording_that_reads_right(data: bytes) -> None:
    (found,) = import_recordings(read_exchanges(data), {})
    assert found.recording is not None
    recording = Recording.load(found.recording.dump())
    assert (recording.provider, recording.model, recording.outcome) == ("zai", "GLM-4.6", "ok")
    assert "Café crème" in "\n".join(delivered_lines(recording))
    assert "Where?" in recording.client_request
    for secret in (TOKEN, COOKIE, "person@example.org", "12345678-1234"):
        assert secret not in recording.dump()


def test_other_calls_and_other_sites_are_passed_over() -> None:
    others = (
        entry("https://chat.z.ai/api/v1/users/user/settings", "{}", "application/json"),
        entry("https://example.com/api/chat/completions"),
        {"request": {"url": URL}},
        "nonsense",
        entry(),
    )
    assert len(import_recordings(read_exchanges(har(*others)), {})) == 1


def test_a_body_the_browser_did_not_keep_is_said() -> None:
    (found,) = import_recordings(read_exchanges(har(entry(body=""))), {})
    assert found.recording is None
    assert "no body" in found.problem


def test_a_refusal_is_kept_as_one() -> None:
    (found,) = import_recordings(
        read_exchanges(har(entry(body='{"detail":"Your session has expired"}', kind="application/json"))), {}
    )
    assert found.recording is not None
    assert found.recording.outcome == "failed"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\x00\x01", "neither", id="bytes"),
        pytest.param(har(entry())[:-40], "cut off", id="cut off"),
        pytest.param(b"[" * 100_000, "neither", id="brackets"),
        pytest.param(b'{"a":' * 100_000, "cut off", id="deep"),
        pytest.param(b'{"log":1}', "no log.entries", id="no HAR"),
        pytest.param(har(), "no HTTP", id="nothing in it"),
        pytest.param(har(1, None, {"request": 3}), "no HTTP", id="odd entries"),
    ],
)
def test_what_is_no_such_file_is_one_line(data: bytes, said: str) -> None:
    with pytest.raises(ImportProblem, match=said):
        read_exchanges(data)


def test_a_flow_file_that_is_cut_off_gives_what_it_has() -> None:
    assert len(read_exchanges(flow_file(seen(), seen())[:-20])) == 1


# -- the commands -----------------------------------------------------------------------------------------------------
@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("providers: {zai: {type: zai, accounts: [{name: main}]}}\nauth: {tokens: ['${AUTH_TOKEN}']}\n")
    return file


def command(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(config), *arguments], env={"AUTH_TOKEN": "sk-test-0123456789"})


def test_a_har_becomes_a_case_in_one_command(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "browser.har"
    file.write_bytes(har(entry()))
    made = command(config, "cases", "add", str(file), "--folder", str(tmp_path / "cases"), "--yes")
    assert made.exit_code == 0, made.output
    assert "Café crème" in made.output
    kept = tmp_path / "cases" / f"browser{ENDING}"
    assert command(config, "replay", "--check", str(kept)).exit_code == 0


def test_a_har_becomes_recordings(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "browser.har"
    file.write_bytes(har(entry(), entry(body="")))
    made = command(config, "record", "import", str(file), "--folder", str(tmp_path / "kept"))
    assert made.exit_code == 0, made.output
    assert "no body" in made.stderr
    (kept,) = (tmp_path / "kept").glob(f"*{ENDING}")
    assert kept.stat().st_mode & 0o077 == 0
    assert command(config, "replay", "--check", str(kept)).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [("record", "import"), ("record", "on", "x.har"), ("record", "import", "gone.har")]
)
def test_wrong_uses_are_one_line(config: Path, arguments: tuple[str, ...]) -> None:
    result = command(config, *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
