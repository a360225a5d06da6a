"""run_proxy.sh as a newcomer meets it."""

import os
import re
import shlex
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from addons.config.version import version
from tests.support.capturing import command_lines
from tests.support.ports import free_port
from tests.support.processes import ROOT

pytestmark = pytest.mark.processes
SCRIPT = ROOT / "run_proxy.sh"


def run(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, **environ},
    )


def test_help_needs_nothing() -> None:
    done = run("--help", PATH="/usr/bin:/bin")
    assert done.returncode == 0
    assert "--demo" in done.stdout


def test_the_version_needs_nothing() -> None:
    done = run("--version", PATH="/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, f"Glassgate {version()}\n")


@pytest.mark.parametrize("arguments", [("--demo",), ("--config", "{file}"), ("--config", "{file}", "--web")])
def test_a_port_in_use_is_told_in_our_words(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "providers: {p: {type: openai_compatible, base_url: 'https://x.example/v1', "
        "accounts: [{name: a, session: none}]}}\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = [word.format(file=file) for word in arguments]
        done = run(*given, "--port", str(port), AUTH_TOKEN="sk-0123456789abcdefghij")
    assert done.returncode == 1
    assert f"127.0.0.1:{port} is in use: another program has this port" in done.stderr
    assert "--port N" in done.stderr
    assert "mode" not in done.stderr, "mitmproxy has another hint"
    assert "Glassgate demo" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--nonsense",), "unknown option: --nonsense"),
        (("--port",), "--port needs a value"),
        (("--port", "eighty"), "--port: a port is a number from 1 to 65535, such as 8080 (found 'eighty')"),
        (("--port", "0"), "a number from 1 to 65535"),
        (("--port", "99999"), "a number from 1 to 65535"),
        (("--port", ""), "a number from 1 to 65535"),
        (("--web-port", "1234567890123456789012"), "--web-port: a port is a number"),
        (("--demo", "--host", "0.0.0.0"), "loopback only"),
        (("--web", "--console"), "two inspectors: choose one"),
        (("--console",), "--console needs a terminal"),
        (("--config", "/nowhere/config.yaml"), "no such file"),
    ],
)
def test_wrong_flags_are_said(arguments: tuple[str, ...], expected: str) -> None:
    done = run(*arguments)
    assert done.returncode != 0
    assert expected in done.stderr


def test_without_a_fitting_python_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    copy = tmp_path / "run_proxy.sh"
    copy.write_text(SCRIPT.read_text())
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "cksum", "tr", "dirname", "grep", "sort", "rm"):
        found = next(Path(folder) / name for folder in ("/usr/bin", "/bin") if (Path(folder) / name).exists())
        (tools / name).symlink_to(found)
    old = tools / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        [str(tools / "bash"), str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": str(tools)},
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Python 3.12 or newer" in done.stderr


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP])
def test_the_demo_serves_its_own_curl_line_and_leaves_nothing_behind(tmp_path: Path, end: signal.Signals) -> None:
    port = free_port()
    environ = {**os.environ, "TMPDIR": str(tmp_path), "AUTH_TOKEN": "my-own-demo-key"}
    process = subprocess.Popen(
        [str(SCRIPT), "--demo", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        start_new_session=True,
    )
    assert process.stdout
    try:
        said = ""
        while "is ready" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        curl = re.search(r"^curl -N .*$", said, re.MULTILINE)
        assert curl
        done = subprocess.run(shlex.split(curl[0]), capture_output=True, text=True, timeout=60, check=False)
        assert "data: [DONE]" in done.stdout
        assert "my-own-demo-key" in said
    finally:
        os.killpg(process.pid, end)
        process.wait(60)
        process.stdout.close()
    assert list(tmp_path.glob("glassgate-demo-*")) == []


@pytest.mark.parametrize("way", ["demo", "own accounts"])
def test_the_inspector_is_opened_by_one_link_that_no_log_and_no_other_user_has(tmp_path: Path, way: str) -> None:
    port, web_port = free_port(), free_port()
    file = tmp_path / "config.yaml"
    file.write_text(
        "providers: {p: {type: openai_compatible, base_url: 'http://127.0.0.1:1/v1', models: [m], "
        "accounts: [{name: a, session: none}]}}\nlog: {format: text}\n"
    )
    what = ["--demo"] if way == "demo" else ["--config", str(file)]
    process = subprocess.Popen(
        [str(SCRIPT), *what, "--web", "--port", str(port), "--web-port", str(web_port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "AUTH_TOKEN": "sk-0123456789abcdefghij"},
        start_new_session=True,
    )
    assert process.stdout
    try:
        said = ""
        while "is ready" not in said or "?token=" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        link = re.search(rf"^  inspector  (http://127\.0\.0\.1:{web_port}/\?token=(\S+))$", said, re.MULTILINE)
        assert link
        with httpx.Client(timeout=60) as browser:
            assert "403" not in browser.get(link[1]).raise_for_status().text, "no page that asks for the password"
            assert browser.get(f"http://127.0.0.1:{web_port}/flows").status_code == 200
            kept = [browser.get(f"http://127.0.0.1:{web_port}/{name}").text for name in ("events", "flows", "options")]
        assert link[2] not in "".join(kept)
        assert link[2].encode() not in command_lines()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        said += process.communicate(timeout=60)[0]
    assert said.count(f":{web_port}") == 1, "one link, and no second address beside it"
    assert [line for line in said.splitlines() if link[2] in line] == [link[0]]
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)


def test_a_program_is_started_in_the_persons_folder_with_the_persons_umask(tmp_path: Path) -> None:
    """The script itself works in its own folder, and keeps its files private."""
    house, person = tmp_path / "house", tmp_path / "person"
    command = house / ".venv" / "bin" / "glassgate"
    command.parent.mkdir(parents=True)
    person.mkdir()
    command.write_text('#!/bin/sh\npwd\numask\necho "$*"\n')
    command.chmod(0o755)
    text = SCRIPT.read_text().replace("\n  set_up requirements.lock glassgate\n  project", "\n  project")
    (house / "run_proxy.sh").write_text(text)
    done = subprocess.run(
        ["/bin/sh", "-c", "umask 027; exec bash ../house/run_proxy.sh run --model m claude -- -p 'two words'"],
        cwd=person,
        env={**os.environ, "GLASSGATE_CONFIG": "other.yaml"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder, umask, words = done.stdout.splitlines()
    assert (Path(folder), umask) == (person, "0027")
    assert words == f"--config {house / 'other.yaml'} run --model m claude -- -p two words"


def test_a_program_that_is_not_known_is_said_to_be_none() -> None:
    done = run("run", "emacs")
    assert done.returncode == 1
    assert "knows no program 'emacs'" in done.stderr
