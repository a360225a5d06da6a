"""What is installed: one name in site-packages, all of the program, and both ways to start it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.processes import ROOT, SandboxThread

BUILT_FROM: Final = ("pyproject.toml", "README.md", "LICENSE", "config.yaml", "requirements.lock")
BUILD: Final = """
import sys
from setuptools import build_meta
_, folder, *kinds = sys.argv
for kind in kinds:
    getattr(build_meta, f"build_{kind}")(folder)
"""


def built(source: Path, folder: Path, *kinds: str) -> None:
    """Wheel or sdist of a source tree, made as pip makes them, with what is installed here."""
    command = [sys.executable, "-c", BUILD, str(folder), *kinds]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built in a copy: a build leaves files in its tree."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source)
    for name in ("addons", "providers"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    built(source, folder, "wheel", "sdist")
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel, and our other packages without the checkout among them."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True, timeout=100)
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder named by a .pth file is searched, but the .pth files in it are not heeded: our editable install is one.
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GLASSGATE"))}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100)


def test_it_takes_one_name_of_site_packages(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in contents(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"glassgate"}


def test_every_file_of_the_program_is_in_it(wheel: Path) -> None:
    installed = {name: data for name, data in contents(wheel).items() if name.startswith("glassgate/")}
    files = [ROOT / "config.yaml", ROOT / "requirements.lock"]
    files += [file for top in ("addons", "providers") for file in (ROOT / top).rglob("*") if file.is_file()]
    wanted = {
        f"glassgate/{file.relative_to(ROOT)}": file.read_bytes() for file in files if file.parent.name != "__pycache__"
    }
    assert installed == wanted


def test_the_sdist_makes_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    built(source, tmp_path, "wheel")
    (again,) = tmp_path.glob("*.whl")
    assert contents(again) == contents(wheel)


def test_it_says_what_it_is(wheel: Path) -> None:
    (text,) = (data for name, data in contents(wheel).items() if name.endswith(".dist-info/METADATA"))
    said = Parser().parsestr(text.decode())
    assert (said["Name"], said["License-Expression"], said["Requires-Python"]) == ("glassgate", "MIT", ">=3.12")
    assert (said["License-File"], said["Description-Content-Type"]) == ("LICENSE", "text/markdown")
    assert said["Author"] == "The Glassgate authors"
    assert said["Keywords"]
    assert "Typing :: Typed" in said.get_all("Classifier", [])
    assert said.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["addons", "providers"])
def test_the_names_of_its_folders_stay_free(python: Path, name: str, tmp_path: Path) -> None:
    assert "ModuleNotFoundError" in run(python, "-c", f"import {name}", folder=tmp_path).stderr


def test_the_command_runs(python: Path, tmp_path: Path) -> None:
    glassgate = python.with_name("glassgate")
    assert run(glassgate, "--version", folder=tmp_path).stdout.startswith("glassgate, version ")
    told = run(python, "-m", "glassgate.addons.capturing", "--version", folder=tmp_path).stdout
    assert "version" in told
    assert "doctor" in run(glassgate, "--help", folder=tmp_path).stdout
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    told = run(glassgate, "doctor", folder=tmp_path).stdout
    assert "packages: no package is older than requirements.lock wants it" in told


def test_it_captures_and_says_how(python: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (tmp_path / ".env").write_text("SESSION_ENCRYPTION_KEY=a passphrase of a test\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    told = run(python.with_name("glassgate"), "accounts", folder=tmp_path).stdout
    (line,) = (line for line in told.splitlines() if line.startswith("zai/main"))
    assert line.endswith(f"{python.with_name('glassgate')} capture zai main")
    for program in ((python, "-m", "glassgate.addons.capturing"), (python.with_name("glassgate"), "capture")):
        said = run(*program, "nobody", folder=tmp_path)
        assert (said.returncode, "has no provider 'nobody'" in said.stderr) == (1, True), said.stderr


def test_mitmdump_searches_flow_files_with_it(python: Path, tmp_path: Path) -> None:
    (script,) = python.parents[1].glob("lib/python*/site-packages/glassgate/addons/mitm/search.py")
    (tmp_path / "kept").touch()
    mitmdump = "from mitmproxy.tools.main import mitmdump; mitmdump()"
    done = run(python, "-c", mitmdump, "-n", "-r", "kept", "-s", script, "~b words", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def serving(command: list[str], folder: Path) -> Iterator[str]:
    """What a server says until it is ready; behind that it is ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GLASSGATE", "AUTH_"))}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**kept, "TMPDIR": str(folder), "HOME": str(folder), "XDG_CONFIG_HOME": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    try:
        said = ""
        while "is ready" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_the_demo_answers_from_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    """As `pipx run` and `uvx` start it: a program of an environment, from whatever folder."""
    port, glassgate = free_port(), str(python.with_name("glassgate"))
    with serving([glassgate, "demo", "--port", str(port)], tmp_path) as said:
        key = re.search(r"^  key +(\S+)$", said, re.MULTILINE)
        assert key
        headers = {"authorization": f"Bearer {key[1]}"}
        models = httpx.get(f"http://127.0.0.1:{port}/v1/models", headers=headers, timeout=60).json()["data"]
        assert {"sandbox-large", "GLM-4.6"} <= {model["id"] for model in models}
        assert f"{glassgate} --config" in said, "lines to paste name the program that was started"


def test_it_is_set_up_and_served_from_the_wheel_alone(python: Path, sites: SandboxThread, tmp_path: Path) -> None:
    """The configuration is the person's own, found from whatever folder; the process is the gateway itself."""
    described, port, glassgate = sites.description(), free_port(), str(python.with_name("glassgate"))
    words = ["setup", "--yes", "--provider", "near", "--port", str(port), "--key-stdin", "--model", "sandbox-large"]
    words += ["--base-url", f"{described['base_urls']['openai']}/v1"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    key = described["sessions"]["openai"]["api_key"]
    done = subprocess.run(
        [glassgate, *words], input=key, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, "proved: near/main" in done.stdout) == (0, True), done.stdout + done.stderr
    assert f"{glassgate} serve" in done.stdout
    own = tmp_path / ".config" / "glassgate"
    assert (own / "config.yaml").is_file()
    client = re.search("^AUTH_TOKEN=(.*)$", (own / ".env").read_text(), re.MULTILINE)
    assert client
    with serving([glassgate, "serve"], tmp_path):
        body = {"model": "sandbox-large", "messages": [{"role": "user", "content": "Hello!"}]}
        headers = {"authorization": f"Bearer {client[1]}"}
        asked = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, headers=headers, timeout=60)
        assert "choices" in asked.json(), asked.text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_completes_words_in_a_shell(python: Path, shell: str, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "_GLASSGATE_COMPLETE": f"{shell}_source"}
    done = subprocess.run([python.with_name("glassgate")], cwd=tmp_path, env=environ, capture_output=True, text=True)
    if shell == "bash" and "requires" in done.stderr + done.stdout:
        pytest.skip("no bash that is new enough")
    assert (done.returncode, "_GLASSGATE_COMPLETE" in done.stdout) == (0, True), done.stderr
