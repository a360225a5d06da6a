"""Which kind of file it is; nothing but a refusal is ever raised."""

import shlex
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from addons.importing.contents import ImportProblem
from addons.importing.detect import read

NOW = time.time()


# -- nothing else is ever raised --------------------------------------------------------------------------------------
def refusal(data: bytes) -> str:
    """Why it is refused, or nothing."""
    try:
        read(data, NOW)
    except ImportProblem as problem:
        return str(problem)
    return ""


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert "\n" not in refusal(data)


@given(st.text(alphabet="ab '\"\\$^\n=:;-", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_command_is_read_or_refused(words: str) -> None:
    refusal(f"curl {words}".encode())


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30).filter(lambda v: v == v.strip()))
@settings(max_examples=100, deadline=None)
@example("$'")
@example("\"$'x'\"")
def test_header_values_survive_the_shell(value: str) -> None:
    found = read(f"curl https://x.example -H {shlex.quote('x-test: ' + value)}".encode(), NOW)
    assert found.exchanges[0].headers["x-test"] == value
