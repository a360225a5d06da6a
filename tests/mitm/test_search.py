"""mitmproxy's body filters find the words of gateway flows, however the wire cut them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import flowfilter, http
from mitmproxy.test import tflow

import addons.mitm.search as search
from addons.inspect.annotation import Annotation
from addons.mitm.search import FlowTexts, fold_text, search_in
from providers.contract.operation import Decoder
from providers.zai.decoder import ZaiDecoder

PHRASE = "The Grüße of a stand-in"
ASKED = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Tell me\na joke"}]}]}


def zai(*pieces: str) -> bytes:
    events = [{"type": "chat:completion", "data": {"phase": "answer", "delta_content": piece}} for piece in pieces]
    events.append({"type": "chat:completion", "data": {"phase": "done", "done": True}})
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def sent(*pieces: str) -> str:
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def noted(body: bytes = b"", delivered: str = "", **more: Any) -> http.HTTPFlow:
    flow = tflow.tflow(
        req=http.Request.make("POST", "https://x.example/chat", b"{}"), resp=http.Response.make(200, body)
    )
    fields = {"provider": "zai", "account": "a", "client_request": json.dumps(ASKED), "delivered": delivered, **more}
    Annotation("req_1", **fields).put_on(flow)
    return flow


def reads(annotation: Annotation) -> Decoder:
    return ZaiDecoder()


@pytest.fixture(autouse=True)
def words() -> Iterator[FlowTexts]:
    """All is read at once, as without a view."""
    before = {kind: kind.__call__ for kind in search._SIDES}
    found = FlowTexts(reads)
    search_in(found)
    yield found
    for kind, call in before.items():
        kind.__call__ = call  # type: ignore[method-assign]


def finds(expression: str, flow: http.HTTPFlow) -> bool:
    return bool(flowfilter.match(expression, flow))


CUT = list(PHRASE)


@pytest.mark.parametrize(
    ("flow", "where"),
    [
        (noted(zai(*CUT), sent(*CUT)), "both"),
        (noted(zai(*CUT)), "read, nothing delivered"),
        (noted(b"", sent(*CUT)), "delivered by an adapter that is gone"),
        (noted(b"", json.dumps({"choices": [{"message": {"content": PHRASE}}]})), "a whole answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_words_across_frames_are_found(flow: http.HTTPFlow, where: str) -> None:
    for wanted in (PHRASE, "the grüsse OF a", "grüße  of", "-in"):
        assert finds(f'~b "{wanted}"', flow)
        assert finds(f'~bs "{wanted}"', flow)
        assert not finds(f'~bq "{wanted}"', flow)
    assert not finds('~b "of an other"', flow)
    assert finds('~b "stand-in" & ~bq "a joke"', flow)
    assert finds('!~b "nothing of it"', flow)


def test_what_was_asked_is_found_by_its_words() -> None:
    flow = noted(zai("x"))
    assert finds('~bq "tell me a JOKE"', flow)
    assert finds('~b "me a joke"', flow)
    assert not finds('~bs "joke"', flow)


def test_a_pattern_is_no_pattern_and_mitmproxys_own_matches_stay() -> None:
    flow = noted(zai(*"a.*b (c"), sent(*"a.*b (c"))
    assert finds(r'~bs "a.\\*b \\(c"', flow), "escaped for the quotes, and for mitmproxy, to which it is a pattern"
    assert finds("~bs delta_content", flow), "the raw body, as ever"
    assert finds('~bs "a.*b"', noted(b"", sent(*"a.*b")))
    assert not finds('~bs "a.*b"', noted(b"", sent(*"a and b")))


def test_filters_made_before_and_foreign_flows(words: FlowTexts) -> None:
    made = flowfilter.parse(f'~b "{PHRASE}"')
    search_in(FlowTexts(reads))
    search_in(FlowTexts(reads))
    assert made(noted(zai(*CUT)))
    foreign = tflow.tflow(resp=http.Response.make(200, b"abc"))
    assert finds("~b abc", foreign)
    assert not finds(f'~b "{PHRASE}"', foreign)
    assert not finds("~b nothing", tflow.ttcpflow())  # type: ignore[arg-type]


@pytest.mark.parametrize("metadata", [{}, {"request_id": 3}, {"request_id": "r", "client_request": 4, "delivered": []}])
def test_a_note_of_another_form_is_passed_over(metadata: Any) -> None:
    flow = tflow.tflow(resp=True)
    flow.metadata["glassgate"] = metadata
    assert not finds("~b nothing", flow)


def test_a_flow_that_changes_is_read_again() -> None:
    flow = noted(zai("one"), sent("one"))
    assert not finds("~b two", flow)
    Annotation("req_1", delivered=sent("one", " t", "wo")).put_on(flow)
    assert finds("~b two", flow)
    assert flow.response
    flow.response.raw_content = zai("th", "ree")
    assert finds("~b three", flow)


def test_a_flow_is_read_once(words: FlowTexts) -> None:
    made = []
    words.decoder_for = lambda annotation: made.append(annotation) or ZaiDecoder()  # type: ignore[func-returns-value]
    flow = noted(zai(*CUT))
    for _ in range(3):
        finds("~b x", flow)
    assert len(made) == 1


def test_much_is_read_beside_the_loop_and_shown_when_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The streams wait for no more than AT_ONCE_BYTES; what is found later is shown, and nothing else."""
    flows = [noted(zai(*f"{number} of them")) for number in range(6)]
    size = search._Snapshot.of(flows[0]).bytes()
    monkeypatch.setattr(search, "AT_ONCE_BYTES", size * 2)

    async def searched() -> tuple[list[bool], list[http.HTTPFlow], list[bool]]:
        shown: list[Any] = []
        words = FlowTexts(reads, shown.append, _left=size * 2)
        first = [words.found(flow, "of them", ("answered",)) for flow in flows]
        assert not words.found(flows[-1], "not there", ("answered",))
        assert words._reading is not None
        await words._reading
        return first, shown, [words.found(flow, "of them", ("answered",)) for flow in flows]

    first, shown, after = asyncio.run(searched())
    assert first == [True, True, False, False, False, False]
    assert shown == list(reversed(flows[2:]))
    assert all(after)


def test_a_list_that_fails_ends_no_search() -> None:
    async def searched() -> list[Any]:
        def fails(flow: Any) -> None:
            shown.append(flow)
            raise ValueError("a list that is gone")

        shown: list[Any] = []
        words = FlowTexts(reads, fails)
        for _ in range(2):
            words._left = 0
            assert not words.found(noted(b"", sent("first")), "first", ("answered",))
            assert words._reading is not None
            with pytest.raises(ValueError, match="gone"):
                await words._reading
        return shown

    assert len(asyncio.run(searched())) == 2


def test_a_flow_whose_words_were_lost_is_shown_too() -> None:
    async def searched() -> list[Any]:
        shown: list[Any] = []
        words, flow = FlowTexts(reads, shown.append), noted(b"", sent("first"))
        assert words.found(flow, "first", ("answered",))
        words._left = 0
        Annotation("req_1", delivered=sent("second")).put_on(flow)
        assert words.found(flow, "first", ("answered",)), "what was known, until it is read again"
        assert words._reading is not None
        await words._reading
        assert not words.found(flow, "first", ("answered",))
        return shown

    assert len(asyncio.run(searched())) == 1


def test_folding() -> None:
    assert fold_text("  Straße\n\tÄ  b ") == "strasse ä b"
