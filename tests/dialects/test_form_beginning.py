"""The beginning of a form: the same however it is cut, bounded, and written anew with other fields."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.form_beginning import BEGINNING_BYTES, Came, FormBeginning
from addons.errors import GatewayError
from providers.contract.form import Form
from tests.dialects.test_form import KIND, part, read

FILE = '; filename="a.wav"\r\nContent-Type: audio/wav'
SOUND = b"RIFF\r\n--b-2\r\n\r" * 3
PIECE = 16 * 1024
WHOLE = (
    part("model", b"whisper-1") + part("provider", b"one") + part("file", SOUND, FILE) + part("late", b"1") + b"--b-1--"
)


def fed(body: bytes, *cuts: int) -> tuple[Came, Form | None, int]:
    """The state, the form, and how much of the body was taken until it was known."""
    reading, taken = FormBeginning(KIND), 0
    for begin, end in pairwise((0, *sorted(cuts), len(body))):
        taken = end
        if reading.feed(body[begin:end]) is not Came.WAITS:
            break
    return reading.state, reading.form, taken


@pytest.mark.parametrize("values", [{}, {"model": b"a-longer-name", "provider": None}], ids=["as it is", "changed"])
def test_wherever_it_is_cut_the_beginning_and_the_rest_are_the_form(values: dict[str, bytes | None]) -> None:
    expected = read(read(WHOLE).with_fields(values)).parts
    for cut in range(len(WHOLE)):
        state, form, taken = fed(WHOLE, cut)
        assert state is Came.AT_FILE
        assert form is not None
        assert [(one.name, one.data) for one in form.parts] == [("model", b"whisper-1"), ("provider", b"one")]
        assert form.body == WHOLE[:taken]
        sent = form.with_fields(values) + WHOLE[taken:]
        assert read(sent).parts == expected
        assert values or sent == WHOLE


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6))
def test_in_many_pieces_too(cuts: list[int]) -> None:
    state, form, taken = fed(WHOLE, *cuts)
    assert (state, form is not None and form.body == WHOLE[:taken]) == (Came.AT_FILE, True)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WHOLE.replace(b"\r\n", b"\n"), id="other line ends"),
        pytest.param(b"--b-1\r\nX: y\r\n\r\n", id="a part without a name"),
        pytest.param(part("a", b"x" * (BEGINNING_BYTES + PIECE)) + part("file", SOUND, FILE), id="a long beginning"),
        pytest.param(part("a", b"1") * 129 + part("file", SOUND, FILE), id="many parts"),
        pytest.param(b"--b-1\r\n" + b"X: " + b"y" * 300_000, id="an endless head"),
        pytest.param(b"z" * 300_000, id="no form"),
    ],
)
def test_what_cannot_be_told_is_to_be_read_whole(body: bytes) -> None:
    assert fed(body, *range(0, len(body), PIECE))[0] is Came.TO_BE_WHOLE


def test_a_form_without_a_file_waits_for_its_end() -> None:
    assert fed(part("model", b"m") + b"--b-1--\r\n")[0] is Came.WAITS


def test_without_a_boundary_there_is_no_form() -> None:
    with pytest.raises(GatewayError):
        FormBeginning("multipart/form-data")


# -- behind the beginning ---------------------------------------------------------------------------------------------
AT_FILE = part("model", b"m") + part("file", b"", FILE)[:-2]


def read_rest(rest: bytes, *cuts: int) -> None:
    """Reads a rest in pieces, to its end. Raises what its reader raises."""
    reading = FormBeginning(KIND)
    assert reading.feed(AT_FILE + rest[:1]) is Came.AT_FILE
    for begin, end in pairwise((1, *sorted(cuts), len(rest))):
        reading.rest(rest[begin:end], ("model", "provider"))
    reading.end()


GOOD = SOUND + b"\r\n" + part("stream", b"true") + part("second", SOUND, FILE) + b"--b-1--\r\n"
BAD = {
    "model": SOUND + b"\r\n" + part("model", b"n") + b"--b-1--\r\n",
    "in another spelling": SOUND + b"\r\n" + part("Model", b"n") + b"--b-1--\r\n",
    "as RFC 5987 writes it": SOUND + b"\r\n" + part("x", b"n").replace(b'name="x"', b"name*=UTF-8''model") + b"--b-1--",
    "a file of that name": SOUND + b"\r\n" + part("provider", b"n", FILE) + b"--b-1--\r\n",
    "twice": SOUND + b"\r\n" + part("stream", b"1") + part("stream", b"0") + b"--b-1--\r\n",
    "hidden in a head": SOUND
    + b'\n--b-1\nContent-Disposition: form-data; name="x"\r\n'
    + part("model", b"n")
    + b"--b-1--",
    "two names": SOUND + b"\r\n" + part("x", b"n").replace(b'"x"', b'"x"; name="model"') + b"--b-1--\r\n",
    "two dispositions": SOUND
    + b"\r\n"
    + part("x", b"n").replace(b'"x"', b'"x"\r\nContent-Disposition: form-data; name="model"')
    + b"--b-1--\r\n",
    "behind an end that others take for none": SOUND + b"\n--b-1--\r\n\r\n" + part("model", b"n") + b"--b-1--\r\n",
    "behind an end with more on its line": SOUND + b"\r\n--b-1--x\r\n" + part("model", b"n") + b"--b-1--\r\n",
    "no end": SOUND,
    "no end of the last part": SOUND + b"\r\n" + part("stream", b"1"),
    "many parts": SOUND + b"\r\n" + part("a", b"1") * 129 + b"--b-1--\r\n",
    "an endless head": SOUND + b"\r\n--b-1\r\n" + b"X: " + b"y" * 300_000,
    "an endless end": GOOD + b"z" * 300_000,
}


def test_a_rest_may_go_on_wherever_it_is_cut() -> None:
    for cut in range(1, len(GOOD)):
        read_rest(GOOD, cut)


@pytest.mark.parametrize("rest", BAD.values(), ids=list(BAD))
def test_a_rest_that_must_not_go_on(rest: bytes) -> None:
    for cut in {1, 2, len(rest) // 2, len(rest) - 1, *range(len(SOUND), min(len(rest), len(SOUND) + 90))}:
        with pytest.raises(GatewayError) as caught:
            read_rest(rest, cut)
        assert caught.value.status == 400


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_boundary_behind_the_end_stops_a_form_before_it_is_sent_on(cut: int) -> None:
    rest, reading = SOUND + b"\n--b-1--\r\n\r\n--b-1\r\n", FormBeginning(KIND)
    assert reading.feed(AT_FILE + b"\r\n") is Came.AT_FILE
    reading.rest(rest[:-cut] if cut > 3 else b"", ("model",))
    with pytest.raises(GatewayError):
        reading.rest(rest[-cut:] if cut > 3 else rest, ("model",))


@pytest.mark.parametrize("filler_bytes", [10, 100_000], ids=["in its last slice", "behind it"])
def test_what_came_with_the_beginning_is_looked_at_too(filler_bytes: int) -> None:
    reading = FormBeginning(KIND)
    filler = part("file", b"x" * filler_bytes, FILE)
    assert reading.feed(AT_FILE + b"\r\n" + filler + part("model", b"n")) is Came.AT_FILE
    with pytest.raises(GatewayError):
        reading.rest(b"", ("model",))


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=a; boundary*=UTF-8''b",
        'multipart/form-data; boundary*0=a; boundary*1=b; boundary="c"',
    ],
)
def test_a_content_type_with_two_boundaries_is_none(kind: str) -> None:
    with pytest.raises(GatewayError):
        FormBeginning(kind)


def test_a_browsers_boundary_is_one() -> None:
    assert FormBeginning("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk").state is Came.WAITS
