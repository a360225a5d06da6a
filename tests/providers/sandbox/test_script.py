"""The directive in a prompt, and an answer sent as it says."""

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.sandbox.script import Script, end, greeting, once, play, play_counted, read_script, split
from providers.sandbox.server import Gone, Wire
from tests.support.asked import Written
from tests.support.virtual_time import run_virtual


def test_a_fault_can_befall_a_prompt_once() -> None:
    met: set[tuple[str, str]] = set()
    script = read_script("Hello\n!sandbox fault=reset_once")
    assert [once(script, met).fault for _ in range(3)] == ["reset", "", ""]
    assert once(read_script("You\n!sandbox fault=reset_once"), met).fault == "reset"
    assert once(read_script("Hello\n!sandbox fault=reset"), met).fault == "reset"


def test_directives_are_read_and_odd_ones_are_words() -> None:
    script = read_script("Hello\n!sandbox text='a b' pace_ms=0 count=3 fault=reset other=1")
    assert (script.prompt, script.text, script.pace_ms, script.count, script.fault) == ("Hello", "a b", 0, 3, "reset")
    assert read_script("!sandbox text='open").text == ""
    assert read_script("!sandbox count=x").count == 0
    assert "".join(split("one  two three four five")) == "one  two three four five"


@pytest.mark.parametrize(
    "prompt",
    ["Hi", "!sandbox text=x\nand more words", "a !sandbox text=x", "", "!sandbox count=x", "!sandbox pace_ms='1"],
)
def test_a_prompt_without_a_directive_that_can_be_read_is_words(prompt: str) -> None:
    assert read_script(prompt) == Script(prompt=prompt.strip())


def test_values_are_read_in_their_kinds() -> None:
    script = read_script("  !sandbox delay_first_ms=1.5 stall_after=2 size=3 cut=4 encoding=br retry_after=9 text=a=b ")
    assert script == Script(
        delay_first_ms=1.5, stall_after=2, size=3, cut=4, encoding="br", retry_after="9", text="a=b"
    )


def test_the_words_of_an_answer_come_as_the_directive_has_them() -> None:
    assert Script(count=3, size=5, text="x").pieces() == ["word "] * 3
    assert Script(size=5, text="x").pieces() == ["xxxxx"]
    assert Script(text="a b c d e").pieces() == ["a b c d", " e"]
    assert "".join(Script(prompt="Who?").pieces()) == greeting("Who?")
    assert Script(reasoning="r").thoughts() == ["r"]
    assert "'Who?'" in "".join(Script(prompt="Who?").thoughts())


@pytest.mark.parametrize(
    ("prompt", "quote"), [("a\n b", "“a b”"), ("", "“nothing at all”"), ("x" * 99, f"“{'x' * 60}”")]
)
def test_the_greeting_quotes_the_prompt(prompt: str, quote: str) -> None:
    assert quote in greeting(prompt)


@given(st.text())
def test_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


async def sent(script: Script, frames: list[bytes], *, gone: bool = False) -> tuple[list[bytes], str, float]:
    """The chunks of an answer, how it ended, and when."""
    written, left = Written(), asyncio.Event()
    wire = Wire(cast(Any, written), left)
    loop = asyncio.get_running_loop()
    if gone:
        loop.call_later(100, left.set)
    try:
        await (play_counted(wire, frames[0], script) if script.count else play(wire, frames, script))
        await end(wire, script)
    except Gone:
        written.end = written.end or "gone"
    return [one.split(b"\r\n")[1] for one in written.writes], written.end, loop.time()


@pytest.mark.parametrize(
    ("script", "chunks", "ended", "seconds"),
    [
        (Script(pace_ms=0), [b"abcd", b"ef", b""], "", 0),
        (Script(pace_ms=1000, delay_first_ms=500), [b"abcd", b"ef", b""], "", 2.5),
        (Script(pace_ms=0, cut=3), [b"abc", b"d", b"ef", b""], "", 0),
        (Script(pace_ms=0, stall_after=1), [b"abcd"], "gone", 100),
        (Script(pace_ms=0, stall_after=0), [], "gone", 100),
        (Script(pace_ms=0, fault="reset"), [b"abcd", b"ef"], "reset", 0),
        (Script(pace_ms=0, fault="hang_up"), [b"abcd", b"ef"], "closed", 0),
        (Script(pace_ms=0, fault="stay_open"), [b"abcd", b"ef"], "gone", 100),
        (Script(pace_ms=1000, count=3), [b"abcd"] * 3 + [b""], "", 3),
        (Script(pace_ms=0, count=2), [b"abcd"] * 2 + [b""], "", 0),
    ],
)
def test_an_answer_is_sent_as_the_script_says(script: Script, chunks: list[bytes], ended: str, seconds: float) -> None:
    assert run_virtual(sent(script, [b"abcd", b"ef"], gone=True)) == (chunks, ended, seconds)
