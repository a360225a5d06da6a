"""The original design's files: what each line means here, and that hostile ones do no harm."""

import json
from pathlib import Path
from typing import Any

import pytest

from addons.cli.setup.takeover import Takeover, TakeoverProblem, original_files, take_over

SECRETS = ("pa'ss w\\ord#1", "me@example.org", "old-token-0123", "passport-0123", "A passphrase of old")
ENV = f"""
AUTH_TOKEN={SECRETS[2]}
AUTH_TOKENS_FILE=keys.txt
SKIP_AUTH_TOKEN=false
LONGCAT_PASSPORT_TOKEN={SECRETS[3]}
LONGCAT_TOKENS_FILE=nowhere.txt
SESSION_ENCRYPTION_KEY={SECRETS[4]}
LOG_LEVEL=warn
PORT=8000
EMPTY=
"""


@pytest.fixture
def original(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "keys.txt").write_text("sk-one-0123456789\n")
    (tmp_path / ".env").write_text(ENV)
    return tmp_path / "config" / "providers.json"


def taken(file: Path, *providers: Any) -> Takeover:
    file.write_text(json.dumps({"providers": providers}))
    return take_over(file)


def test_each_line_is_taken_over_or_said_to_be_left_out(original: Path) -> None:
    zai = {"name": "zai", "baseUrl": "https://chat.z.ai/", "loginUrl": "x", "chatUrl": "y", "enabled": True}
    made = taken(
        original,
        {**zai, "email": SECRETS[1], "password": SECRETS[0]},
        {"name": "qwen", "baseUrl": "https://mirror.example", "enabled": False, "odd": 1},
        {"name": "k2think", "baseUrl": "http://plain.example"},
    )
    credentials = {"email": "${ZAI_EMAIL}", "password": "${ZAI_PASSWORD}"}
    assert made.providers == {
        "zai": {"type": "zai", "accounts": [{"name": "main", "credentials": credentials}]},
        "qwen": {"type": "qwen", "base_url": "https://mirror.example", "accounts": ["main"], "enabled": False},
        "k2think": {"type": "k2think", "accounts": ["main"]},
        "longcat": {"type": "longcat", "accounts": ["main"]},
    }
    assert made.values == {
        "ZAI_EMAIL": SECRETS[1],
        "ZAI_PASSWORD": SECRETS[0],
        "AUTH_TOKEN": SECRETS[2],
        "AUTH_TOKENS_FILE": str(original.parents[1] / "keys.txt"),
        "SKIP_AUTH_TOKEN": "false",
        "LONGCAT_PASSPORT_TOKEN": SECRETS[3],
        "SESSION_ENCRYPTION_KEY": SECRETS[4],
        "LOG_LEVEL": "WARNING",
    }
    said = "\n".join(made.said)
    assert not any(secret in said for secret in SECRETS)
    for words in (
        "provider 1: provider zai; baseUrl is the usual one; email and password go into .env as ZAI_EMAIL",
        "loginUrl is left out: the adapter knows",
        "baseUrl is taken over; stays switched off; not known here, left out: odd",
        "provider k2think; baseUrl cannot be used",
        ".env, SESSION_ENCRYPTION_KEY: stays, as the key of the vault",
        f".env, AUTH_TOKENS_FILE: the file with more client keys stays ({original.parents[1] / 'keys.txt'})",
        ".env, LONGCAT_TOKENS_FILE: names a file that is not there; left out",
        ".env, PORT: is not known here; left out",
        ".env, EMPTY: is empty; left out",
    ):
        assert words in said
    assert len(made.said) == 3 + 9


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (7, "is no object"),
        ({"name": "sk-live-0123456789abcdef"}, "… is no site"),
        ({"name": ["zai"]}, "is no site"),
        ({"name": "zai", "email": "a" * 2000, "password": "b"}, "both are wanted"),
        ({"name": "zai", "email": "a\nEVIL=1", "password": "b"}, "both are wanted"),
        ({"name": "zai", "email": {"a": 1}, "password": "b"}, "both are wanted"),
        ({"name": "zai", "baseUrl": "\x1b[2J"}, "is no address"),
        ({"name": "zai", "baseUrl": {"$ref": 1}}, "is no address"),
        ({"name": "zai", "baseUrl": "file:///etc/passwd"}, "cannot be used"),
    ],
)
def test_what_is_odd_is_left_out(original: Path, entry: Any, said: str) -> None:
    made = taken(original, entry)
    assert said in made.said[0]
    assert made.said[0].isprintable()
    assert not any(name.startswith("ZAI_") for name in made.values)
    assert made.providers.get("zai", {"type": "zai", "accounts": ["main"]}) == {"type": "zai", "accounts": ["main"]}


def test_keys_that_are_too_short_are_made_anew(original: Path) -> None:
    (original.parents[1] / ".env").write_text("AUTH_TOKEN=short\nSESSION_ENCRYPTION_KEY=short\nLOG_LEVEL=loud\n")
    made = taken(original, {"name": "zai"}, {"name": "zai"})
    assert made.values == {}
    assert sum("a new one is made" in line for line in made.said) == 2
    assert "twice" in made.said[1]


@pytest.mark.parametrize(
    "text",
    ["", "[", "7", '{"providers": {}}', "[" * 100_000, json.dumps({"providers": [1] * 33}), " " * (2 << 20)],
    ids=["empty", "open", "number", "object", "deep", "many", "large"],
)
def test_a_file_that_is_none_is_refused(original: Path, text: str) -> None:
    original.write_text(text)
    with pytest.raises(TakeoverProblem, match=r"providers\.json: "):
        take_over(original)


def test_the_files_are_found_beside_the_configuration(original: Path, tmp_path: Path) -> None:
    assert original_files(tmp_path) is None
    original.write_text("{}")
    assert original_files(tmp_path) == original
    (tmp_path / ".env").unlink()
    assert "there is none" in taken(original).said[-1]


@pytest.mark.parametrize("name", ["x" * 5000, '"x\ny"', "."], ids=["long", "lines", "folder"])
def test_a_name_that_no_file_has_is_left_out(original: Path, name: str) -> None:
    original.parents[1].joinpath(".env").write_text(f"AUTH_TOKENS_FILE={name}\n")
    made = taken(original)
    assert made.values == {}
    assert made.said == [".env, AUTH_TOKENS_FILE: names a file that is not there; left out"]


def test_a_password_that_no_env_file_holds_keeps_nothing_else_from_being_taken_over(original: Path) -> None:
    made = taken(
        original,
        {"name": "zai", "email": "a@b.c", "password": "pa${HOME}ss"},
        {"name": "qwen", "email": "a@b.c", "password": "right"},
    )
    assert set(made.values) >= {"QWEN_EMAIL", "QWEN_PASSWORD"}
    assert "ZAI_PASSWORD" not in made.values
    assert made.providers["zai"]["accounts"] == ["main"]
    assert "no .env file holds them as they are" in made.said[0]
    assert "pa$" not in str(made.said)


@pytest.mark.parametrize("enabled", ["false", 0, None])
def test_what_is_neither_on_nor_off_is_said_to_be_on(original: Path, enabled: Any) -> None:
    made = taken(original, {"name": "zai", "enabled": enabled})
    assert "enabled is neither true nor false; it is on" in made.said[0]
    assert "enabled" not in made.providers["zai"]
