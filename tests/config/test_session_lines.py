"""LONGCAT_TOKENS_FILE: a session a line, each an account of the first longcat provider."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.app.reload import _files
from addons.app.rules import accounts_of
from addons.config.configuration import Config
from addons.config.exposure import judge
from addons.config.file_reading import FileProblem
from addons.config.loader import ConfigError, load_config
from addons.config.session_lines import LINE_LIMIT, MOST_SESSIONS, name_of, read_session_lines
from providers.contract.given import is_cookie
from providers.contract.session import Credentials
from providers.longcat.line import cookies_of_line
from providers.longcat.options import LongCatOptions
from providers.longcat.provider import LongCat

ONE, TWO = "AgHkJ3passport-one-0123456789==", "AgHkJ3passport-two-0123456789"
KEY = {"AUTH_TOKEN": "sk-test-0123456789", "LONGCAT_TOKENS_FILE": "cats"}
PROVIDERS = """providers:
  zai: {type: zai, base_url: https://chat.z.ai, accounts: [{name: main}]}
  cat: {type: longcat, accounts: [{name: main}]}
  other: {type: longcat, accounts: [{name: main}]}
"""


# -- a line -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "cookies"),
    [
        (ONE, {"passport_token_key": ONE}),
        (f"  {ONE}\r", {"passport_token_key": ONE}),
        (f"passport_token_key={TWO}", {"passport_token_key": TWO}),
        (
            f"_lxsdk_cuid=x; passport_token_key={ONE}; a=b=c;",
            {"_lxsdk_cuid": "x", "passport_token_key": ONE, "a": "b=c"},
        ),
        (f"Cookie: passport_token_key={TWO}; empty=; b=1", {"passport_token_key": TWO, "b": "1"}),
    ],
)
def test_what_is_a_session(line: str, cookies: dict[str, str]) -> None:
    assert cookies_of_line(line) == cookies


@pytest.mark.parametrize(
    "line",
    [
        "todo",
        "two words here",
        "name=value-of-another-cookie",
        "a=b; c=d",
        "passport_token_key=",
        f"passport_token_key={ONE}; no pair",
        f"passport_token_key={ONE}\x00; a=b",
        f"passport_token_key={ONE}; a=b\x7f",
        f'"{ONE}',
        "pässport-0123456789",
        "a" * 5000,
        "; ".join(f"c{n}=1" for n in range(200)) + f"; passport_token_key={ONE}",
    ],
)
def test_what_is_none(line: str) -> None:
    assert cookies_of_line(line) is None


@given(
    st.one_of(st.text(), st.text(st.characters(min_codepoint=33, max_codepoint=126)), st.from_regex(r"(\w+=\w+; ?)+"))
)
def test_any_line_gives_cookies_that_serve_or_nothing(line: str) -> None:
    cookies = cookies_of_line(line)
    if cookies is not None:
        assert all(is_cookie(name, value) for name, value in cookies.items())
        LongCat("cat", LongCatOptions()).read_session("x", Credentials(cookies=cookies))


# -- the file ---------------------------------------------------------------------------------------------------------
def written(folder: Path, text: str) -> Path:
    file = folder / "cats"
    file.write_text(text)
    file.chmod(0o600)
    return file


def loaded(folder: Path, text: str | None, providers: str = PROVIDERS) -> Config:
    if text is not None:
        written(folder, text)
    (folder / "config.yaml").write_text(providers)
    return load_config(folder / "config.yaml", KEY)


def test_each_line_is_an_account_of_the_first_longcat_provider(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"# cats\n\n{ONE}\na=b; passport_token_key={TWO}\n")
    names = [(account.provider, account.name) for account in accounts_of(config)]
    mine = [("cat", name_of(ONE)), ("cat", name_of(TWO))]
    assert names == [("zai", "main"), ("cat", "main"), *mine, ("other", "main")]
    assert config.env_sessions[mine[1]].cookies == {"a": "b", "passport_token_key": TWO}
    assert accounts_of(config)[2].limits.max_concurrent == 2
    assert ONE not in repr(config)


def test_a_name_stays_wherever_the_line_stands_and_tells_nothing(tmp_path: Path) -> None:
    first = read_session_lines(written(tmp_path, f"{ONE}\n{TWO}\n")).cookies
    second = read_session_lines(written(tmp_path, f"# new\npassport_token_key={TWO}; x=1\n")).cookies
    assert list(second) == [list(first)[1]]
    assert all(name.startswith("file-") and len(name) == 17 for name in first)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(f"# cats\r{ONE}\r{TWO}\r".encode(), id="line ends of old Macs"),
        pytest.param(f"{ONE}\r\n\r\n{TWO}".encode(), id="line ends of Windows"),
        pytest.param(f"\ufeff{ONE}\n\ufeff{TWO}\n".encode(), id="two marked files put together"),
        pytest.param(f"{ONE}\n{TWO}".encode("utf-16"), id="UTF-16"),
        pytest.param(f"{ONE} # mine\npassport_token_key={TWO}; a=b\t# hers".encode(), id="comments behind"),
        pytest.param(f"\xa0{ONE} \n\t{TWO}\t".encode(), id="blanks around"),
    ],
)
def test_a_file_as_people_write_it(tmp_path: Path, data: bytes) -> None:
    file = written(tmp_path, "")
    file.write_bytes(data)
    found = read_session_lines(file)
    assert ([cookies["passport_token_key"] for cookies in found.cookies.values()], found.odd) == ([ONE, TWO], ())


def test_a_hash_within_a_session_is_part_of_it(tmp_path: Path) -> None:
    found = read_session_lines(written(tmp_path, f"passport_token_key={ONE}; a=b#c"))
    assert next(iter(found.cookies.values()))["a"] == "b#c"


@pytest.mark.parametrize("text", ["", "# nothing yet\n\n"])
def test_a_file_without_a_session_is_said(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).notes == (f"{tmp_path / 'cats'}: no LongCat session in it",)


def test_the_same_sign_in_twice_is_one_account(tmp_path: Path) -> None:
    assert len(read_session_lines(written(tmp_path, f"{ONE}\npassport_token_key={ONE}; a=b\n")).cookies) == 1


def test_lines_that_are_none_are_told_by_number_alone(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"{ONE}\nsecret of somebody 0123\n\n{'x' * (LINE_LIMIT + 1)}\n{TWO}")
    assert len(config.env_sessions) == 2
    (note,) = config.notes
    assert "line 2, 4 " in note
    assert not any(part in note for part in (ONE, TWO, "somebody", "xxx"))


def test_it_is_bounded(tmp_path: Path) -> None:
    many = "\n".join(f"passport-{number:08d}" for number in range(MOST_SESSIONS + 1))
    with pytest.raises(FileProblem, match="more than 200 sessions"):
        read_session_lines(written(tmp_path, many))
    with pytest.raises(FileProblem, match="larger than"):
        read_session_lines(written(tmp_path, "#" * (1024 * 1024 + 1)))


@pytest.mark.parametrize(("text", "said"), [(None, "no such file"), ("\0", "not text")])
def test_a_file_that_cannot_be_used_is_a_problem_of_the_configuration(
    tmp_path: Path, text: str | None, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        loaded(tmp_path, text)
    assert str(caught.value).startswith("LONGCAT_TOKENS_FILE: ")


def test_without_a_longcat_provider_it_is_said_and_nothing_more(tmp_path: Path) -> None:
    config = loaded(tmp_path, ONE, "\n".join(PROVIDERS.splitlines()[:2]))
    assert not config.env_sessions
    assert "no provider of type longcat" in config.notes[0]


def test_who_may_read_it_is_judged_as_for_files_of_keys(tmp_path: Path) -> None:
    config = loaded(tmp_path, ONE)
    assert not judge(config, ["127.0.0.1"])
    (tmp_path / "cats").chmod(0o644)
    tmp_path.chmod(0o755)
    config = load_config(tmp_path / "config.yaml", {**KEY, "AUTH_TOKEN": "sk-strong-0123456789abcdef0123456789abcdef"})
    file = next(found for found in config.files if found.path.name == "cats")
    assert file.readable
    assert file.gives_keys_away


def test_it_is_watched(tmp_path: Path) -> None:
    config = loaded(tmp_path, ONE)
    assert tmp_path / "cats" in _files(config.file, config)
