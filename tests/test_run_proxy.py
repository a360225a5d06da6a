"""run_proxy.sh as a newcomer meets it."""

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable
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


def test_a_link_to_it_is_followed(tmp_path: Path) -> None:
    """It took the folder of the link for its own, and looked for the lock file there."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "one").symlink_to(SCRIPT)
    (tmp_path / "two").symlink_to("bin/one")
    command = [str(tmp_path / "two"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Glassgate {version()}\n", "")


def test_a_link_to_the_checkout_is_not_what_its_commands_hang_on(tmp_path: Path) -> None:
    """`.venv/bin/glassgate` led through the link from then on, and to nowhere once that was gone."""
    (tmp_path / "a link").symlink_to(ROOT)
    command = ROOT / ".venv" / "bin" / "glassgate"
    run("keygen")
    before = command.read_bytes()
    try:
        line = [str(tmp_path / "a link" / "run_proxy.sh"), "keygen"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=100, check=False)
        assert (done.returncode, command.read_bytes()) == (0, before)
    finally:
        command.write_bytes(before)


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


@pytest.fixture
def door(tmp_path: Path) -> Callable[..., list[str]]:
    """Starts the script of a checkout whose environment is made, from a person's folder; what Python was started with.

    The first two lines are folder and umask.
    """
    house, person = tmp_path / "the house", tmp_path / "person"
    python = house / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    person.mkdir()
    python.write_text('#!/bin/sh\n[ "$1" = -c ] && exit\npwd\numask\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    for name in ("run_proxy.sh", "pyproject.toml", "requirements.lock", "config.yaml"):
        (house / name).write_bytes((ROOT / name).read_bytes())
    stamp = 'cd "$1" && cat requirements.lock pyproject.toml run_proxy.sh | cksum | tr -d " "'
    sum_of = subprocess.run(["bash", "-c", stamp, "-", str(house)], capture_output=True, text=True, check=True).stdout
    (house / ".venv" / "glassgate").write_text(f"{sum_of.strip()} {house}\n")

    def start(*words: str, **environ: str) -> list[str]:
        line = shlex.join(["bash", "../the house/run_proxy.sh", *words])
        done = subprocess.run(
            ["/bin/sh", "-c", f"umask 027; exec {line}"],
            cwd=person,
            env={**{name: value for name, value in os.environ.items() if name != "GLASSGATE_CONFIG"}, **environ},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        folder, umask, *called = done.stdout.replace(str(house), "HOUSE").splitlines()
        assert (Path(folder), umask, called[0]) == (person, "0027", "-P")
        return called[1:]

    return start


def test_everything_runs_in_the_persons_folder_with_the_persons_umask(door: Callable[..., list[str]]) -> None:
    called = door("run", "--model", "m", "claude", "--", "-p", "two words")
    assert called[0] == "HOUSE/addons/cli/__main__.py"
    assert called[1:3] == ["--config", "HOUSE/config.yaml"]
    assert called[3:] == ["run", "--model", "m", "claude", "--", "-p", "two words"]


def test_a_file_is_looked_for_where_the_person_is_and_else_beside_the_script(
    door: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "the house" / "ours.yaml").touch()
    assert door("--config", "ours.yaml")[1:3] == ["--config", "HOUSE/ours.yaml"]
    assert door(GLASSGATE_CONFIG="ours.yaml")[1:3] == ["--config", "HOUSE/ours.yaml"]
    (tmp_path / "person" / "ours.yaml").touch()
    assert door("--config", "ours.yaml")[1:3] == ["--config", "ours.yaml"]
    assert door("--config", "nowhere.yaml")[1:3] == ["--config", "nowhere.yaml"]
    (tmp_path / "the house" / "config.local.yaml").touch()
    assert door()[1:] == ["--config", "HOUSE/config.local.yaml", "serve", "--"]


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("--port 9 --host ::1", "cli/__main__.py --config F serve --port 9 --host ::1 --"),
        ("--web --web-port 7 -- --set a=b", "cli/__main__.py --config F web --web-port 7 -- --set a=b"),
        ("--demo --web", "cli/__main__.py --config F demo --web --"),
        ("capture zai --no-browser", "capturing/__main__.py --config F zai --no-browser"),
        ("doctor --online", "cli/__main__.py --config F doctor --online"),
        ("serve --config G", "cli/__main__.py --config F serve --config G"),
        ("--config G usage --json", "cli/__main__.py --config G usage --json"),
        ("--config G capture zai", "capturing/__main__.py --config G zai"),
        ("--config G --web", "cli/__main__.py --config G web --"),
    ],
)
def test_the_script_is_a_door_to_the_command(door: Callable[..., list[str]], words: str, called: str) -> None:
    found = " ".join(door(*words.split())).replace("HOUSE/config.yaml", "F")
    assert found == f"HOUSE/addons/{called}"


def test_a_checkout_that_cannot_be_written_has_its_environment_elsewhere(tmp_path: Path) -> None:
    """GLASSGATE_VENV says where; else it is the cache. Nothing is made in the checkout."""
    house, elsewhere = tmp_path / "house", tmp_path / "made"
    house.mkdir()
    (elsewhere / "bin").mkdir(parents=True)
    for name in ("run_proxy.sh", "pyproject.toml", "requirements.lock", "config.yaml"):
        (house / name).write_bytes((ROOT / name).read_bytes())
    python = elsewhere / "bin" / "python"
    python.write_text('#!/bin/sh\ncase "$1" in -c|-m) exit;; esac\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    environ = {**os.environ, "GLASSGATE_VENV": str(elsewhere)}
    done = subprocess.run(
        ["bash", str(house / "run_proxy.sh"), "doctor"],
        cwd=house,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.splitlines() == ["-P", f"{house}/addons/cli/__main__.py", "doctor"], done.stderr
    assert str(house / "addons") in (elsewhere / "bin" / "glassgate").read_text()
    assert sorted(path.name for path in house.iterdir()) == [
        "config.yaml",
        "pyproject.toml",
        "requirements.lock",
        "run_proxy.sh",
    ]


def test_a_program_that_is_not_known_is_said_to_be_none() -> None:
    done = run("run", "emacs")
    assert done.returncode == 1
    assert "knows no program 'emacs'" in done.stderr
