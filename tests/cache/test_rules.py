"""For which requests an answer may be kept."""

from typing import Any, Final

import pytest

from addons.cache.rules import fits, limited_by_client
from addons.dialects.routed_head import RoutedHead
from tests.cache.asked import PLAIN, SAID, parsed
from tests.support.counting import work_of

FUNCTION: Final = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
PICTURE: Final = {"type": "image_url", "image_url": {"url": "https://a.example/p.png"}}
SOUND: Final = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
FILE: Final = {"type": "file", "file": {"file_id": "file_1"}}
BLOCK: Final = {"type": "image", "source": {"type": "url", "url": "https://a.example/p.png"}}
PAPER: Final = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
RESULT: Final = {"type": "tool_result", "tool_use_id": "t", "content": [BLOCK]}
USED: Final = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


def said(part: object) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What?"}, part]}]


@pytest.mark.parametrize("form", PLAIN)
@pytest.mark.parametrize("stream", [None, True, False])
def test_plain_requests_fit_in_every_form(form: str, stream: bool | None) -> None:
    assert fits(parsed(form, stream=stream), always=False)


@pytest.mark.parametrize("form", [form for form in PLAIN if form != "passed_on"])
@pytest.mark.parametrize("temperature", [None, 0.1, 1], ids=str)
def test_other_temperatures_fit_where_the_setting_says_so(form: str, temperature: float | None) -> None:
    assert not fits(parsed(form, temperature=temperature), always=False)
    assert fits(parsed(form, temperature=temperature), always=True)


FITS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("chat_completions", {"temperature": 0.0}),
    ("chat_completions", {"tools": [FUNCTION], "tool_choice": "auto"}),
    ("chat_completions", {"n": 1, "seed": 7, "logprobs": True, "user": "ada", "metadata": {"a": "b"}}),
    ("chat_completions", {"messages": [*SAID, {"role": "assistant", "content": None, "tool_calls": [
        {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "t", "content": "sunny"}]}),
    ("chat_completions", {"response_format": {"type": "json_object"}, "stop": ["x"], "max_tokens": 5}),
    ("completions", {"prompt": "a", "suffix": ""}),
    ("messages", {"tools": [{"name": "f", "input_schema": {"type": "object"}}], "system": "Be brief."}),
    ("messages", {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}),
    ("messages", {"messages": [*SAID, {"role": "assistant", "content": [USED]},
        {"role": "user", "content": [RESULT | {"content": "sunny"}]}]}),
    ("responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}),
    ("responses", {"tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "custom", "name": "g"}]}),
    ("responses", {"background": False, "metadata": {"a": "b"}}),
    ("passed_on", {"input": ["a", "b"], "dimensions": 3, "encoding_format": "base64"}),
    ("passed_on", {"input": [[1, 2], [3]]}),
]  # fmt: skip


@pytest.mark.parametrize(("form", "more"), FITS, ids=[f"{at}-{form}" for at, (form, _) in enumerate(FITS)])
def test_what_only_says_something_fits(form: str, more: dict[str, Any]) -> None:
    assert fits(parsed(form, **more), always=False)


NEVER: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("several", "chat_completions", {"n": 2}),
    ("stored", "chat_completions", {"store": True}),
    ("pictures", "chat_completions", {"messages": said(PICTURE)}),
    ("pictures of no kind", "chat_completions", {"messages": said({"image_url": "https://a.example"})}),
    ("sounds", "chat_completions", {"messages": said(SOUND)}),
    ("files", "chat_completions", {"messages": said(FILE)}),
    ("a sound before", "chat_completions", {"messages": [*SAID, {"role": "assistant", "audio": {"id": "a"}}, *SAID]}),
    ("sounds wanted", "chat_completions", {"modalities": ["text", "audio"], "audio": {"voice": "v", "format": "wav"}}),
    ("a search", "chat_completions", {"web_search_options": {}}),
    ("a search of a vendor's", "chat_completions", {"search_parameters": {"mode": "on"}}),
    ("a plugin", "chat_completions", {"plugins": [{"id": "web"}]}),
    ("what nobody knows", "chat_completions", {"x_new": 1}),
    ("a server's tool", "chat_completions", {"tools": [{"type": "web_search"}]}),
    ("a message of another form", "chat_completions", {"messages": [{"role": "alien", "content": 7}]}),
    ("several", "completions", {"n": 2}),
    ("what nobody knows", "completions", {"x_new": 1}),
    ("pictures", "messages", {"messages": said(BLOCK)}),
    ("documents", "messages", {"messages": said(PAPER)}),
    ("pictures in a result", "messages", {"messages": [*SAID, {"role": "assistant", "content": [USED]},
        {"role": "user", "content": [RESULT]}]}),
    ("a server's tool", "messages", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ("a server's servers", "messages", {"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "x"}]}),
    ("a container", "messages", {"container": "c"}),
    ("what a server found", "messages", {"messages": [*SAID, {"role": "assistant", "content": [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]}, *SAID]}),
    ("stored by default", "responses", {"store": None}),
    ("stored", "responses", {"store": True}),
    ("an answer before", "responses", {"previous_response_id": "resp_1"}),
    ("an item before", "responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}),
    ("pictures", "responses", {"input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": "https://a.example/p.png"}]}]}),
    ("files", "responses", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}]}),
    ("a search", "responses", {"tools": [{"type": "web_search"}]}),
    ("a picture made", "responses", {"tools": [{"type": "image_generation"}]}),
    ("code run", "responses", {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}),
    ("servers", "responses", {"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://a.example"}]}),
    ("a search that ran", "responses", {"input": [{"type": "web_search_call", "id": "ws_1"}, *SAID]}),
    ("tools that come later", "responses", {"input": [{"type": "additional_tools", "tools": []}, *SAID]}),
    ("pictures", "passed_on", {"input": [{"image": "https://a.example/p.png"}]}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "more"), [row[1:] for row in NEVER], ids=[f"{form}-{what}".replace(" ", "_") for what, form, _ in NEVER]
)
def test_what_does_finds_or_names_something_never_fits(form: str, more: dict[str, Any]) -> None:
    assert not fits(parsed(form, **more), always=True)


@pytest.mark.parametrize("operation", ["audio_speech", "moderations", "rerank", "batch_create", "file"])
def test_of_what_is_passed_on_embeddings_alone_fit(operation: str) -> None:
    more = {"voice": "v", "query": "q", "documents": ["d"], "input_file_id": "file_1"}
    assert not fits(parsed("passed_on", RoutedHead(operation, {"id": "file_1"}), **more), always=True)


def test_so_many_items_as_would_take_long_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = parsed("responses", input=SAID * 10)
    assert fits(asked, always=True)
    monkeypatch.setattr("addons.cache.rules._ENTRIES", 9)
    assert not fits(asked, always=True)


@pytest.mark.parametrize(
    ("form", "more", "limited"),
    [
        ("chat_completions", {}, False),
        ("chat_completions", {"max_tokens": 1}, True),
        ("chat_completions", {"max_completion_tokens": 1}, True),
        ("completions", {"max_tokens": 1}, True),
        ("messages", {}, True),
        ("responses", {}, False),
        ("responses", {"max_output_tokens": 16}, True),
        ("passed_on", {}, False),
    ],
)
def test_whose_limit_of_length_it_is(form: str, more: dict[str, Any], limited: bool) -> None:
    assert limited_by_client(parsed(form, **more).request) is limited


def test_a_request_that_asks_for_no_temperature_of_0_is_not_looked_through() -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": "x"}]}] * 500
    few, many = (parsed("chat_completions", temperature=None, messages=parts[:count]) for count in (1, 500))
    _, first = work_of(lambda: fits(few, always=False))
    _, other = work_of(lambda: fits(many, always=False))
    assert other == first


def test_messages_and_tools_count_together() -> None:
    part = {"type": "text", "text": "x"}
    said, tools = [{"role": "user", "content": [part] * 3}] * 2000, [FUNCTION] * 2000
    assert fits(parsed("chat_completions", messages=said, tools=tools), always=False)
    more = [*said[1:], {"role": "user", "content": [part] * 4}]
    assert not fits(parsed("chat_completions", messages=more, tools=tools), always=False)
