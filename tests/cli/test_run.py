"""`glassgate run`: which program, which gateway, which key; what is printed; what is said when it cannot be."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from addons.app import address_file
from addons.cli import run as module
from addons.cli.main import main
from addons.cli.running.keys import ProgramKey
from addons.cli.running.models import ServedModel
from addons.cli.running.programs import PROGRAMS

KEY = "sk-a-client-key-of-good-length-0123"
URL = "http://127.0.0.1:8123"


class Started:
    """What would have been started."""

    def __init__(self) -> None:
        self.command: list[str] = []
        self.environ: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.umask = -1
        self.folder = Path()

    def __call__(self, command: list[str], environ: dict[str, str], umask: int, signals: object) -> int:
        self.command, self.environ, self.umask = command, environ, umask
        named = [word for word in [*environ.values(), *command] if "glassgate-run-" in word]
        if named:
            self.folder = next(path for path in [Path(named[0]), *Path(named[0]).parents] if "-run-" in path.name)
            self.files = {str(p.relative_to(self.folder)): p.read_text() for p in self.folder.rglob("*") if p.is_file()}
        return 7


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    for name in ("SKIP_AUTH_TOKEN", "AUTH_TOKENS_FILE", *(n for n in os.environ if n.lower().endswith("_proxy"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUTH_TOKEN", KEY)
    config = {"auth": {"tokens": ["${AUTH_TOKEN}"]}, "vault": {"path": "s/vault.json"}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    (tmp_path / "config.yaml").chmod(0o600)
    address_file.leave(tmp_path / "s", tmp_path / "config.yaml", URL)
    return tmp_path


@pytest.fixture
def started() -> Iterator[Started]:
    """A gateway answers at URL alone, knows KEY, and serves two models; all programs are installed."""
    made = Started()
    with ExitStack() as stack:
        for name, stand_in in (
            ("is_gateway", lambda url: url == URL),
            ("usual_model", lambda url, key, prefers: ServedModel("GLM-4.6", 128_000)),
            ("named_model", lambda url, key, name: ServedModel(name)),
            ("run", made),
        ):
            stack.enter_context(patch.object(module, name, stand_in))
        stack.enter_context(patch("addons.cli.running.keys.proves_to_know", lambda url, key: key == KEY))
        stack.enter_context(patch("shutil.which", lambda name: f"/bin/{name}"))
        yield made


def run(house: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(house / "config.yaml"), "run", *words])


def test_the_program_is_started_with_its_arguments_and_its_status_is_ours(house: Path, started: Started) -> None:
    result = run(house, "claude", "--", "-p", "Hello", "--model", "x")
    assert (result.exit_code, result.output) == (7, "")
    assert started.command[0] == "/bin/claude"
    assert started.command[1] == "--settings"
    assert started.command[3:] == ["-p", "Hello", "--model", "x"]
    assert started.environ["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert started.environ["ANTHROPIC_BASE_URL"] == URL
    assert json.loads(started.files["settings.json"])["env"]["ANTHROPIC_MODEL"] == "GLM-4.6"
    assert not started.folder.exists()


@pytest.mark.parametrize("words", [("claude", "-p", "x"), ("--", "claude", "-p", "x"), ("claude", "--", "-p", "x")])
def test_two_hyphens_may_be_left_out(house: Path, started: Started, words: tuple[str, ...]) -> None:
    run(house, *words)
    assert started.command[3:] == ["-p", "x"]


def test_a_model_of_choice(house: Path, started: Started) -> None:
    run(house, "--model", "qwen-max", "codex")
    assert 'model="qwen-max"' in started.command


def test_the_programs_files_have_the_persons_umask(house: Path, started: Started) -> None:
    before = os.umask(0o031)
    try:
        run(house, "aider")
    finally:
        os.umask(before)
    assert started.umask == 0o031


@pytest.mark.parametrize("name", ["claude-code", "CLAUDE"])
def test_other_names_of_programs(house: Path, started: Started, name: str) -> None:
    run(house, name)
    assert started.command[0] == "/bin/claude"


def test_any_program_with_an_sdk(house: Path, started: Started) -> None:
    run(house, "openai", "--", "python", "my.py", "-v")
    assert started.command == ["/bin/python", "my.py", "-v"]
    assert started.environ["OPENAI_BASE_URL"] == f"{URL}/v1"
    assert started.environ["GLASSGATE_MODEL"] == "GLM-4.6"
    assert "name the program behind" in run(house, "openai").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cluade",), "knows no program 'cluade'. Did you mean 'claude'?"),
        (("emacs",), "It knows: claude, codex"),
        (("gemini",), "generateContent"),
    ],
)
def test_a_program_that_is_not_known(house: Path, words: tuple[str, ...], said: str) -> None:
    result = run(house, *words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr


def test_one_that_is_not_installed(house: Path, started: Started) -> None:
    with patch("shutil.which", lambda name: None):
        result = run(house, "claude")
        assert result.exit_code == 1
        assert "Claude Code is not installed" in result.stderr
        assert "npm install -g @anthropic-ai/claude-code" in result.stderr
        assert "there is no program 'mine'" in run(house, "anthropic", "--", "mine").stderr
    assert started.command == []


def test_without_a_gateway_it_is_said_how_to_start_one(house: Path) -> None:
    with patch.object(module, "is_gateway", lambda url: False):
        result = run(house, "--print", "claude")
    assert result.exit_code == 1
    assert "no gateway runs with" in result.stderr
    assert "start it: " in result.stderr


def test_the_configured_address_is_tried_too(house: Path, started: Started) -> None:
    with patch.object(module, "is_gateway", lambda url: url == "http://127.0.0.1:8080"):
        run(house, "claude")
    assert started.environ["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8080"


def test_keys_that_are_known_where_the_gateway_was_started_alone(
    house: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then one is lent."""
    monkeypatch.delenv("AUTH_TOKEN")
    asked: list[Any] = []

    class Lent:
        def __init__(self, *what: Any) -> None:
            asked.append(what)

        def __enter__(self) -> ProgramKey:
            return ProgramKey("sk-lent", "lent", "run-claude")

        def __exit__(self, *_: object) -> None:
            asked.append("over")

    with patch.object(module, "lent_key", Lent):
        run(house, "claude")
        assert started.environ["ANTHROPIC_AUTH_TOKEN"] == "sk-lent"
        assert asked == [(house / "s" / "control", house / "config.yaml", "claude"), "over"]
        printed = run(house, "--print", "claude")
    assert "sk-lent" not in printed.output
    assert "keygen --client" in printed.stdout


# -- --print ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("program", [program.name for program in PROGRAMS])
def test_what_is_printed_holds_no_key_and_starts_nothing(house: Path, started: Started, program: str) -> None:
    result = run(house, "--print", program, "--", "-p", "two words")
    assert result.exit_code == 0, result.stderr
    assert KEY not in result.output
    assert f"# THE-KEY stands for the key: auth.tokens[0] of {house / 'config.yaml'}" in result.stdout
    assert "THE-KEY" in result.stdout.partition("\n# THE-KEY")[2]
    assert result.stdout.rstrip().endswith("'two words'")
    assert started.command == []


def test_what_is_printed_can_be_pasted(house: Path, started: Started, tmp_path: Path) -> None:
    text = run(house, "--print", "llm", "hello").stdout
    assert f"mkdir -p {Path.cwd() / 'glassgate-llm'}" in text
    assert "<<'END'\n- model_id: GLM-4.6\n" in text
    assert "unset ANTHROPIC_API_KEY" in text
