"""`glassgate sessions`: what is stored, listed and removed, and every way it is refused."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, OTHER, SECRET, Run

FORM = '{"token": "…", "cookies": {"NAME": "…"}, "headers": {"NAME": "…"}, "api_key": "…"}, what there is of it'

JSONS = {
    "apikey": ({"apikey": SECRET}, "apikey: is not a key there; did you mean 'api_key'?"),
    "a number": ({"token": 5}, f"token: must be text; write {FORM}"),
    "cookies as text": ({"cookies": "a=b"}, f"cookies: must be an object; write {FORM}"),
    "a cookie's number": ({"cookies": {"a": 5}}, f"cookies.a: must be text; write {FORM}"),
    "a list": ([SECRET], f"must be an object; write {FORM}"),
    "the key as name": ({"Zq7wErTyUiOpAsDfGhJk": "api_key"}, f"…: is not a key there; write {FORM}"),
}


@pytest.mark.parametrize(("value", "words"), JSONS.values(), ids=JSONS)
def test_a_session_in_a_wrong_form(run: Run, value: object, words: str) -> None:
    result = run("sessions", "add", "official", "key1", "--from-json", "-", given=json.dumps(value))
    assert (result.exit_code, result.stderr) == (1, f"glassgate: the session JSON is not right: {words}\n")


def test_a_session_that_is_no_json(run: Run) -> None:
    result = run("sessions", "add", "official", "key1", "--from-json", "-", given=SECRET)
    assert (result.exit_code, result.stderr) == (1, f"glassgate: the session is no JSON; write {FORM}\n")


@pytest.mark.parametrize("words", [(SECRET,), ("--api-key", SECRET), (f"--api-key={SECRET}",), ("--token", SECRET)])
def test_a_key_on_the_command_line_is_refused_with_the_reason(run: Run, house: Path, words: tuple[str, ...]) -> None:
    result = run("sessions", "add", "official", "key1", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith("glassgate: a key or token cannot stand on the command line: other users ")
    assert result.stderr.endswith(f"--config {house}/config.yaml sessions add official key1 --api-key-stdin\n")
    assert SECRET not in result.output
    assert not (house / ".sessions").exists()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--api-key-stdin", "--token-stdin"),
        ("--from-json", "-", "--token-stdin"),
        ("--from-json", "-", "--api-key-stdin"),
    ],
)
def test_one_way_of_giving_a_session_is_the_right_number(run: Run, house: Path, words: tuple[str, ...]) -> None:
    result = run("sessions", "add", "official", "key1", *words, given="{}")
    assert (result.exit_code, "give one of --from-json FILE" in result.stderr) == (2, True)
    assert not (house / ".sessions").exists()


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("--api-key-stdin",), "\n"),
        (("--token-stdin",), ""),
        (("--from-json", "-"), "{}"),
        (("--from-json", "-"), '{"cookies": {}}'),
    ],
)
def test_an_empty_session_is_none(run: Run, house: Path, words: tuple[str, ...], given: str) -> None:
    result = run("sessions", "add", "official", "key1", *words, given=given)
    assert (result.exit_code, "the session is empty" in result.stderr) == (1, True)
    assert not (house / ".sessions").exists()


def test_a_session_that_cannot_serve_is_not_stored(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text("providers: {zai: {type: zai, accounts: [main]}}")
    result = run("sessions", "add", "zai", "main", "--token-stdin", given=SECRET)
    assert (result.exit_code, "this session cannot serve zai" in result.stderr) == (1, True)
    assert SECRET not in result.output
    assert not (house / ".sessions").exists()


def test_a_session_is_stored_from_a_file_and_counted_up(run: Run, house: Path) -> None:
    (house / "session.json").write_text(json.dumps({"api_key": SECRET}))
    for revision in (1, 2):
        result = run("sessions", "add", "official", "key1", "--from-json", str(house / "session.json"))
        assert result.stdout == f"stored official/key1 (revision {revision})\n"


def test_stored_sessions_are_listed_without_a_secret(run: Run, made: Path) -> None:
    assert run("sessions", "list").stdout == "official/key1  revision 1  holds api_key\n"
    [row] = json.loads(run("sessions", "list", "--json").stdout)
    assert (row["provider"], row["account"], row["revision"], row["holds"]) == ("official", "key1", 1, ["api_key"])
    assert (row["expires_at"], row["renewable"], row["remembered"]) == (None, False, False)
    assert SECRET not in str(row)


def test_a_session_of_a_provider_that_is_gone_is_listed_too(run: Run, made: Path, house: Path) -> None:
    (house / "config.yaml").write_text(CONFIG.replace("official", "other"))
    assert "official/key1" in run("sessions", "list").stdout


def test_without_a_vault_the_way_to_one_is_told(run: Run) -> None:
    result = run("sessions", "list")
    assert result.exit_code == 0
    assert result.stdout.startswith("the vault holds no session; add one: ")
    assert json.loads(run("sessions", "list", "--json").stdout) == []


def test_a_session_is_removed_once(run: Run, made: Path) -> None:
    assert run("sessions", "remove", "official", "key1").stdout == "removed official/key1\n"
    again = run("sessions", "remove", "official", "key1")
    assert (again.exit_code, again.stderr) == (1, "glassgate: the vault has no session for official/key1\n")


@pytest.mark.parametrize("words", [("list",), ("remove", "official", "key1")])
def test_a_wrong_key_is_one_line(run: Run, made: Path, words: tuple[str, ...]) -> None:
    result = run("sessions", *words, key=OTHER)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_a_wrong_key_stores_nothing(run: Run, made: Path) -> None:
    result = run("sessions", "add", "official", "key1", "--api-key-stdin", given="sk-another-0123456789", key=OTHER)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "revision 1" in run("sessions", "list").stdout
