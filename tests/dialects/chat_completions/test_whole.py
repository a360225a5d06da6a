"""Whole answers of chat completions: what a stream says in pieces, put together."""

from addons.dialects.chat_completions.whole import ChatWhole
from addons.errors import GatewayError
from providers.contract.events import Citation, Event, Finish, Image, Passthrough, Reasoning, Text, Usage, Withdrawn
from tests.dialects.chat_completions.test_stream import META, SURROGATES, TOOLS, whole


def test_whole_tool_calls_are_put_together() -> None:
    message = whole(TOOLS)["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}},
        {"id": "call_b", "type": "function", "function": {"name": "time", "arguments": "{}"}},
    ]


def test_no_field_of_a_provider_makes_a_whole_answer_no_client_can_read() -> None:
    message = whole(SURROGATES)["choices"][0]["message"]
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == ['{"a":"😀"}', "\ufffd"]
    assert message["annotations"][0]["url_citation"]["title"] == "half \ufffd"


def test_all_that_was_said_stands_in_one_message() -> None:
    found = whole([Reasoning("Hm"), Text("a"), Citation("https://x", "X"), Text("b"), Usage(1, 2, 3), Finish("length")])
    (choice,) = found["choices"]
    assert (choice["message"]["content"], choice["message"]["reasoning_content"]) == ("ab", "Hm")
    assert (choice["finish_reason"], found["usage"]["total_tokens"]) == ("length", 3)
    assert choice["message"]["annotations"][0]["url_citation"]["url"] == "https://x"


def test_what_was_withdrawn_is_not_said() -> None:
    found = whole([Text("no"), Withdrawn(), Text("yes"), Finish("stop")])
    assert found["choices"][0]["message"]["content"] == "yes"


def test_nothing_is_sent_before_the_end_nor_where_it_fails() -> None:
    answer = ChatWhole(META)
    assert (answer.streaming, answer.keepalive) == (False, b"")
    assert answer.encode([Text("a"), Image("https://x")]) == b""
    assert answer.error(GatewayError(502, "it broke")) == b""


def test_fields_of_the_api_stand_where_it_put_them() -> None:
    extra: list[Event] = [Passthrough("chunk", {"provider": "p"}), Passthrough("delta", {"mood": "good"})]
    found = whole([*extra, Text("a"), Finish("stop")])
    assert (found["provider"], found["choices"][0]["message"]["mood"]) == ("p", "good")
