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
@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_wherever_it_is_cut_the_beginning_and_the_rest_are_the_form(cut: int, values: dict[str, bytes | None]) -> None:
    state, form, taken = fed(WHOLE, cut)
    assert state is Came.AT_FILE
    assert form is not None
    assert [(one.name, one.data) for one in form.parts] == [("model", b"whisper-1"), ("provider", b"one")]
    assert form.body == WHOLE[:taken]
    sent = form.with_fields(values) + WHOLE[taken:]
    assert read(sent).parts == read(read(WHOLE).with_fields(values)).parts
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
