"""The registry: dialects by name, by path and by what they can read."""

import pytest

from addons.dialects.registry import DIALECTS, for_path, named, parsed_as, transcript_of
from addons.dialects.transcript import RawTranscript
from addons.errors import GatewayError


def test_the_ids_of_answers_are_of_their_format() -> None:
    ids = {"chatcmpl-1", "cmpl-1", "img-1", "msg_1", "resp_1", "pass-1"}
    assert {dialect.answer_id("req_1") for dialect in DIALECTS} == ids


def test_names_are_told_apart_and_found() -> None:
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)
    assert all(named(dialect.name) is dialect for dialect in DIALECTS)
    assert named("of another version") is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions?x=1", "chat_completions"),
        ("//completions/", "completions"),
        ("/v1/completions/cmpl-1/cancel", "completions"),
        ("/images/edits", "images"),
        ("/v1/models/a/b", "chat_completions"),
        ("/v1/messages/batches", "messages"),
        ("/anthropic/v1/anything", "messages"),
        ("/v1/v1/messages?beta=true", "messages"),
        ("/v1/v1/responses", "responses"),
        ("/nowhere", "chat_completions"),
        ("", "chat_completions"),
    ],
)
def test_a_path_is_its_dialects_or_the_firsts(path: str, name: str) -> None:
    assert for_path(path).name == name


def test_a_body_whose_format_nobody_noted_is_tried_in_order() -> None:
    assert parsed_as("", b'{"model":"m","messages":[{"role":"user","content":"a"}]}')[0].name == "chat_completions"
    assert parsed_as("", b'{"model":"m","prompt":"a"}')[0].name == "completions"
    with pytest.raises(GatewayError) as refused:
        parsed_as("", b'{"model":"m"}')
    assert refused.value.param == "messages", "the first one's words"
    with pytest.raises(GatewayError):
        parsed_as("chat_completions", b'{"model":"m","prompt":"a"}')


def test_where_no_format_was_noted_bodies_are_read_as_the_firsts() -> None:
    assert transcript_of("") is DIALECTS[0].transcript
    assert isinstance(transcript_of("gone"), RawTranscript)
