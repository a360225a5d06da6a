"""What a gateway says of itself at its start."""

import shlex
import subprocess
from pathlib import Path

import pytest

from addons.accounts.health import Health
from addons.accounts.report import AccountLine
from addons.app.welcome import welcome
from addons.cleaning.patterns import without_credentials

WELL, EXPIRED = AccountLine("alpha", "main", Health.OK), AccountLine("zai", "main", Health.EXPIRED)


def said(*lines: AccountLine, models: tuple[str, ...] = ("GLM-4.6", "b"), **more: object) -> str:
    base = "http://127.0.0.1:8080/v1"
    aliases = {"fast": "GLM-4.6"}
    return welcome("1.2.3", base, Path("/x/other.yaml"), lines, models, aliases, **more)  # type: ignore[arg-type]


def test_version_address_file_models_and_aliases() -> None:
    text = said(WELL, EXPIRED, inspector="http://127.0.0.1:8081")
    assert text.splitlines()[0] == "Glassgate 1.2.3 is ready: 1 of 2 accounts can serve"
    for word in (
        "http://127.0.0.1:8080/v1",
        "/x/other.yaml",
        "2 (GET",
        "fast → GLM-4.6",
        "zai/main is expired",
        "8081",
    ):
        assert word in text
    assert "inspector" not in said(WELL)
    assert "  lean       14 addons of mitmproxy's rest until" in said(WELL, resting=14)
    assert "lean" not in said(WELL)


def test_the_line_to_paste_is_one_a_shell_takes_and_the_log_leaves_alone() -> None:
    line = said(WELL, models=("it's",)).splitlines()[-1]
    assert without_credentials(line) == line
    words = shlex.split(line)
    assert words[:3] == ["try", "curl", "http://127.0.0.1:8080/v1/chat/completions"]
    assert words[3:5] == ["--oauth2-bearer", "$AUTH_TOKEN"]
    assert '"model": "it\'s"' in words[-1]
    assert "AUTH_TOKEN" not in said(WELL, keyless=True)


def test_where_keys_have_other_names_the_line_says_what_to_put_in(tmp_path: Path) -> None:
    line = said(WELL, has_usual_key=False, key_file=tmp_path / ".env").splitlines()[-1]
    assert without_credentials(line) == line
    assert shlex.split(line, comments=True)[3:5] == ["--oauth2-bearer", "$KEY"]
    assert line.endswith("# KEY: one of the client keys")
    assert "KEY:" not in said(WELL, has_usual_key=False, keyless=True)


@pytest.mark.processes
def test_a_key_that_only_the_env_file_has_is_taken_from_there(tmp_path: Path) -> None:
    """Pasted into a shell, the line sends the key, whatever the folder is called and wherever the shell stands."""
    folder = tmp_path / "a folder's"
    folder.mkdir()
    (folder / ".env").write_text("AUTH_TOKEN='sk-of-the-file'\n")
    line = said(WELL, key_file=folder / ".env").splitlines()[-1].strip().removeprefix("try").strip()
    assert without_credentials(line) == line
    told = line.replace("curl http", "printf '%s\\n' http")
    done = subprocess.run(["sh", "-c", told], cwd="/", capture_output=True, text=True, check=True)
    assert "sk-of-the-file" in done.stdout.split("\n")
    assert "(." not in said(WELL, key_file=folder / ".env", keyless=True)


def test_without_a_model_there_is_nothing_to_try() -> None:
    assert said(EXPIRED, models=()).endswith("glassgate doctor says what is missing")


def test_models_that_an_api_has_yet_to_list_are_not_missing() -> None:
    text = said(WELL, models=())
    assert "models     the lists of the APIs are being asked for (GET /v1/models lists them)" in text
    assert "missing" not in text


def test_no_name_makes_a_line_of_its_own() -> None:
    assert len(said(WELL, models=("a\nb",)).splitlines()) == len(said(WELL).splitlines())
