"""The small pure modules that several providers share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.call import origin_of
from providers.contract.chat import Message, TextPart, ToolCall
from providers.contract.provider import Model, checked_url
from providers.contract.sealed import shown
from providers.contract.session import Credentials, Session
from providers.formats.jsontext import INVALID, dumps, loads, loads_glued
from providers.formats.jwt import claims
from providers.formats.sse import SseLimit, SseReader
from providers.shared.folding import fold
from providers.shared.suffixes import wants_search, wants_thinking, with_suffixes


# -- event streams ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_sse_gives_the_same_payloads_at_every_cut(line_end: str, bom: bytes) -> None:
    lines = [": hello", "", "data: one", "", "event: x", "id: 1", "data:two", "data: lines", "", "retry: 5", "data", ""]
    stream = bom + line_end.join([*lines, "data: last", "", ""]).encode()
    expected = [b"one", b"two\nlines", b"last"]
    for at in range(len(stream) + 1):
        reader = SseReader()
        assert reader.feed(stream[:at]) + reader.feed(stream[at:]) + reader.flush() == expected
    reader = SseReader()
    single = [payload for i in range(len(stream)) for payload in reader.feed(stream[i : i + 1])]
    assert single + reader.flush() == expected


def test_sse_flush_gives_an_event_whose_blank_line_never_came() -> None:
    reader = SseReader()
    assert reader.feed(b"data: cut") == []
    assert reader.flush() == [b"cut"]


def test_sse_takes_bare_json_lines_when_told_to() -> None:
    stream = b'{"code":429}\n\ndata: {"a":1}\n\n'
    reader = SseReader(bare_json=True)
    assert reader.feed(stream) == [b'{"code":429}', b'{"a":1}']
    assert SseReader().feed(stream) == [b'{"a":1}']


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b'{\n  "a": 1\n}\n\n', [b'{\n  "a": 1\n}']),
        (b' \t{"a": 1}', [b' \t{"a": 1}']),
        (b"<html>\n<p>: x</p>\n\n<p>\n\n", [b"<html>\n<p>: x</p>", b"<p>"]),
        (b"data: 1\nevent: m\n<html>\n\n", [b"1", b"<html>"]),
        (b"<script>\ndata: 1\n</script>\n\n", [b"<script>", b"</script>", b"1"]),
        (b"upstream: no\nid\n\ndata: 1\n\n", [b"1"]),
    ],
    ids=str,
)
def test_sse_takes_what_is_no_event_when_told_to(stream: bytes, payloads: list[bytes]) -> None:
    for at in range(len(stream) + 1):
        reader = SseReader(strays=True)
        assert [*reader.feed(stream[:at]), *reader.feed(stream[at:]), *reader.flush()] == payloads


def test_sse_limit_does_not_lose_the_events_before() -> None:
    stream = b"data: one\n\ndata: " + b"x" * 200 + b"\n\n"
    for at in range(0, len(stream), 7):
        reader = SseReader(limit_bytes=100)
        got: list[bytes] = []
        with pytest.raises(SseLimit) as caught:  # noqa: PT012  (either call may raise)
            got += reader.feed(stream[:at])
            got += reader.feed(stream[at:])
        assert got + caught.value.payloads == [b"one"]


# -- JSON -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"a":[1,2.5,null,true]}', {"a": [1, 2.5, None, True]}),
        (b'"\\ud83d"', "\ud83d"),
        (b'"a\xffb"', "a\ufffdb"),
        (b"{", INVALID),
        (b"", INVALID),
        (b"[" * 5000, INVALID),
    ],
)
def test_json_is_read_patiently(payload: bytes, value: object) -> None:
    assert loads(payload) == value


def test_glued_values_and_their_rest() -> None:
    assert loads_glued(b'{"a":1}{"b":2} {"c":') == ([{"a": 1}, {"b": 2}], b'{"c":')


@given(st.binary(max_size=60))
def test_json_never_raises(payload: bytes) -> None:
    loads(payload)
    loads_glued(payload)


def test_json_is_written_as_utf8_whatever_the_text() -> None:
    assert dumps({"a": "你\ud83d"}) == '{"a":"你?"}'.encode()


# -- conversations ----------------------------------------------------------------------------------------------------
def test_a_lone_user_turn_is_sent_as_it_is() -> None:
    assert fold([Message("user", "  just this ")]) == "  just this "
    assert fold([Message("user", (TextPart("a"), TextPart("b")))]) == "a\nb"


def test_turns_are_labelled_in_order() -> None:
    call = ToolCall("c1", "weather", '{"city":"Paris"}')
    folded = fold(
        [
            Message("system", "Rules"),
            Message("user", "Q", name="Ann"),
            Message("assistant", None, tool_calls=(call,)),
            Message("tool", "sunny", tool_call_id="c1"),
            Message("assistant", "A"),
        ]
    )
    assert folded == (
        '[System]\nRules\n\n[User Ann]\nQ\n\n[Assistant]\n(called weather with {"city":"Paris"})\n\n'
        "[Tool result]\nsunny\n\n[Assistant]\nA\n\n[User]\nContinue."
    )


def test_suffixes_switch_and_names_win_over_the_client() -> None:
    table = with_suffixes(
        [Model("M", "m"), Model("M-Thinking", "own")], {"-Thinking": (True, None), "-Search": (None, True)}
    )
    assert list(table) == ["M", "M-Thinking", "M-Search", "M-Thinking-Thinking", "M-Thinking-Search"]
    assert table["M-Thinking"].site_id == "m"
    assert wants_thinking(table["M-Thinking"], "none", default=False)
    assert not wants_thinking(table["M"], "minimal", default=True)
    assert wants_thinking(table["M"], None, default=True)
    assert wants_search(table["M-Search"], False)
    assert not wants_search(table["M"], None)


# -- sessions and addresses -------------------------------------------------------------------------------------------
def test_sessions_give_placeholders_only() -> None:
    material = Credentials(token="secret-1", cookies={"a": "secret-2"})
    session = Session("p", "acc", tuple(material.values()))
    assert session.seal("token").shown == "~sealed~p~acc~token~"
    assert shown(session.cookie_header()) == "a=~sealed~p~acc~cookie:a~"
    assert "secret" not in f"{material!r}{session!r}"
    with pytest.raises(KeyError):
        session.seal("api_key")


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a b.c.d", "e30.e30.e30 "])
def test_what_is_no_jwt_has_no_claims(token: str) -> None:
    assert claims(token) is None


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://x.example", "https://", "https://u:p@x", "https://x?q=1", "https://x:99999"]
)
def test_unsafe_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the sentence differs by reason)
        checked_url(url)


def test_origins_name_their_port() -> None:
    assert origin_of("https://x.example/a?b") == "https://x.example:443"
    assert origin_of("http://127.0.0.1:8080/v1") == "http://127.0.0.1:8080"
