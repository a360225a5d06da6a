"""cookies.txt as http.cookiejar reads it, and what other programs write."""

import io
import time
import warnings
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.importing.contents import ImportProblem
from addons.importing.cookies_txt import LIMIT_CHARS, read_cookies
from addons.importing.detect import read

NOW = 1_800_000_000.0
HEAD = "# Netscape HTTP Cookie File\n"
SECRET = "tok-9fPq2LzR7tXw4mVb"


def row(name: str = "sid", value: str = SECRET, *, expires: str = "0", domain: str = ".a.example") -> str:
    return "\t".join((domain, "TRUE" if domain.startswith(".") else "FALSE", "/", "TRUE", expires, name, value))


def by_place(data: str, now: float = NOW) -> dict[str, str]:
    return {f"{cookie.domain} {cookie.name}": cookie.value for cookie in read_cookies(data, now).cookies}


def of_python(data: str, now: float) -> dict[str, str]:
    """What the standard library makes of it. Raises LoadError."""
    jar: Any = MozillaCookieJar()
    real, time.time = time.time, lambda: now
    try:
        with warnings.catch_warnings():  # it warns of what it does not expect
            warnings.simplefilter("ignore")
            jar._really_load(io.StringIO(data, newline=None), "file", ignore_discard=True, ignore_expires=False)
    finally:
        time.time = real
    return {f"{cookie.domain.lstrip('.')} {cookie.name}": cookie.value for cookie in jar if cookie.value is not None}


@pytest.mark.parametrize(
    "expires",
    ["", "1800000001", "1800000001.5", "1799999999.9", "1800000000", "1", "1e10", "4102444800.123456", " 1e10"],
)
@pytest.mark.parametrize("before", ["", "#HttpOnly_"])
def test_an_expiry_is_read_as_python_does(expires: str, before: str) -> None:
    data = f"{HEAD}{before}{row(expires=expires)}\n"
    assert by_place(data) == of_python(data, NOW)


FIELD = st.text(alphabet="ab =;\"'%é#$", max_size=6)
NAME = st.sampled_from(["", "x", "sid", "#x", "__Host-y", "$z"])
"""Without a name Python takes the value for one, which must not be another cookie's."""


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda before, name, value, expires, domain, end: (
                    before + row(name, value, expires=expires, domain=domain) + end
                ),
                st.sampled_from(["", "#HttpOnly_"]),
                NAME,
                FIELD,
                st.sampled_from(["", "1", "9999999999", "9999999999.5"]),
                st.sampled_from([".a.example", "b.example"]),
                st.sampled_from(["\n", "\r\n"]),
            ),
            st.sampled_from(["# words\n", "\n", "  \n", "$ odd\n", "#HttpOnly_# more\r\n", " # blank before\n"]),
        ),
        max_size=6,
    )
)
@settings(max_examples=300, deadline=None)
def test_files_are_read_as_python_does(lines: list[str]) -> None:
    data = HEAD + "".join(lines)
    expected = of_python(data, NOW)
    try:
        found = by_place(data)
    except ImportProblem:
        found = {}
    assert found == expected


@pytest.mark.parametrize(
    "line",
    [
        row().replace("\t", " "),
        row().replace("\t", "    "),
        row() + "\tmore",
        row().rpartition("\t")[0],
        row(expires="soon"),
        row(expires="nan"),
        row(expires="inf"),
        row(expires="1e400"),
        row(expires="1" * 40),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number_alone(line: str) -> None:
    with pytest.raises(ImportProblem) as caught:
        read_cookies(f"{HEAD}\n{line}\n", NOW)
    assert "line 3" in str(caught.value)
    assert SECRET not in str(caught.value)
    if "1e400" not in line and "1" * 40 not in line:
        with pytest.raises((LoadError, OverflowError)):
            of_python(f"{HEAD}\n{line}\n", NOW)


def test_blanks_in_the_place_of_tabs_are_named() -> None:
    for head in (HEAD, ""):
        with pytest.raises(ImportProblem, match="parted by tabs"):
            read((head + row().replace("\t", "  ")).encode(), NOW)


def test_what_other_programs_write() -> None:
    assert by_place(HEAD + row(expires="0") + "\n" + row("other", expires="-1")) == {
        "a.example sid": SECRET,
        "a.example other": SECRET,
    }
    assert by_place(row(expires="")) == {"a.example sid": SECRET}
    assert read(b"\xef\xbb\xbf" + row(expires="0").encode() + b"\r\n", NOW).cookies[0].value == SECRET
    [cookie] = read_cookies(HEAD + row(domain="chat.a.example").replace("FALSE", "TRUE", 1), NOW).cookies
    assert cookie.fits("chat.a.example")


def test_a_saved_jar_comes_back(tmp_path: Path) -> None:
    jar = MozillaCookieJar(str(tmp_path / "jar"))
    jar._really_load(io.StringIO(HEAD + row(expires="") + "\n" + row("b", "2", expires="9999999999")), "f", True, True)  # type: ignore[attr-defined]
    jar.save(ignore_discard=True)
    found = read((tmp_path / "jar").read_bytes(), NOW).cookies
    assert {cookie.name: cookie.value for cookie in found} == {"sid": SECRET, "b": "2"}


def test_a_file_without_end_is_not_read() -> None:
    with pytest.raises(ImportProblem, match="4 MB"):
        read_cookies(HEAD + "a" * LIMIT_CHARS, NOW)
