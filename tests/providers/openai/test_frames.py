"""The JSON of a stream, out of payloads that are not always one value each."""

import json

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Finish
from tests.providers.openai.streams import decode, words

A, B = json.dumps(words("a")), json.dumps(words("b", "stop"))

CLEAR = {
    "data-in-one-line": f"data: {A}data: {B}\n\ndata: [DONE]\n\n",
    "objects-side-by-side": f"data: {A}{B}\n\n",
    "end-mark-behind": f"data: {A}\n\ndata: {B}[DONE]\n\n",
    "end-mark-behind-with-data": f"data: {A}\n\ndata: {B}data: [DONE]\n\n",
    "three-lines-one-event": f"data: {A}\ndata: {B}\ndata: [DONE]\n\n",
    "cut-by-a-blank-line": f"data: {A[:60]}\n\ndata: {A[60:]}\n\ndata: {B}\n\n",
    "cut-twice": f"data: {A[:9]}\n\ndata: {A[9:70]}\n\ndata: {A[70:]}\n\ndata: {B}\n\n",
    "keepalive-words": f"data: ping\n\ndata: {A}\n\ndata: null\n\ndata: {{}}\n\ndata: {B}\n\n",
    "broken-usage-after-the-reason": f'data: {A}\n\ndata: {B}\n\ndata: {{"usage": {{"prom\n\ndata: [DONE]\n\n',
    "broken-last-words-of-the-connection": f'data: {A}\n\ndata: {B}\n\ndata: {{"usage": {{"prom',
}


@pytest.mark.parametrize("body", CLEAR.values(), ids=CLEAR.keys())
def test_frames_whose_meaning_is_clear_are_read(body: str) -> None:
    answer = decode([body.encode()])
    assert (answer.text, answer.end) == ({0: "ab"}, Finish("stop"))


LOST = {
    "truncated-and-glued": f"data: {A}\n\ndata: {A[:60]}data: {B}\n\ndata: [DONE]\n\n",
    "truncated-and-glued-bare": f"data: {A}\n\ndata: {A[:60]}{B}\n\ndata: [DONE]\n\n",
    "truncated-then-whole": f"data: {A}\n\ndata: {A[:60]}\n\ndata: {B}\n\ndata: [DONE]\n\n",
    "truncated-then-end-mark": f"data: {A}\n\ndata: {A[:60]}\n\ndata: [DONE]\n\n",
    "junk-behind": f"data: {A}\n\ndata: {A}garbage\n\ndata: {B}\n\n",
    "words-instead": f"data: {A}\n\ndata: Internal Server Error\n\n",
    "never-ending-pieces": f"data: {A}\n\n" + 'data: {"choices":[\n\n' * 9 + f"data: {B}\n\n",
}


@pytest.mark.parametrize("body", LOST.values(), ids=LOST.keys())
def test_frames_with_lost_words_are_a_failure_and_never_a_hole(body: str) -> None:
    answer = decode([body.encode()])
    assert answer.failure.kind is ErrorKind.PROVIDER_DOWN
    assert answer.text[0].startswith("a")
    assert "b" not in answer.text[0]


def test_a_truncated_last_frame_is_an_incomplete_answer() -> None:
    assert decode([f"data: {A}\n\ndata: {B[:70]}".encode()]).failure.kind is ErrorKind.INCOMPLETE
