"""What a site says beside its words does not make every word dear."""

import json
from typing import Any

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from addons.dialects.openai.answer import CITATIONS_LIMIT, REPEATED_BYTES
from providers.contract.events import Citation, Finish, Passthrough, Text
from providers.openai.decoder import OpenAIDecoder
from providers.openai.options import OpenAIOptions

META = AnswerMeta("chatcmpl-1", 1, "m")


def chunks(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: {")]


def test_a_long_field_beside_the_choices_is_sent_once_a_short_one_of_every_chunk_with_each() -> None:
    long = "x" * REPEATED_BYTES
    for include_usage in (False, True):
        stream = ChatStream(META, include_usage=include_usage)
        extra = Passthrough("chunk", {"system_fingerprint": "fp", "provider": long, "results": [long]})
        found = chunks(stream.encode([extra, Text("a"), Text("b"), Finish("stop")]))
        assert [chunk["provider"] for chunk in found if "provider" in chunk] == [long]
        assert [chunk["results"] for chunk in found if "results" in chunk] == [[long]]
        told = [chunk for chunk in found if chunk["choices"]]
        assert all(chunk["system_fingerprint"] == "fp" for chunk in told)


def test_a_field_that_grows_long_stands_in_no_chunk_twice() -> None:
    long = "x" * REPEATED_BYTES
    stream = ChatStream(META, include_usage=False)
    raw = [stream.encode([Passthrough("chunk", {"provider": said}), Text("a")]) for said in ("p", long, "q", long)]
    assert all(chunk.count(b'"provider"') <= 1 for data in raw for chunk in data.split(b"\n\n"))
    told = [chunk.get("provider") for chunk in chunks(b"".join(raw) + stream.encode([Finish("stop")]))]
    assert told == ["p", "p", long, "q", long, None]


def test_many_fields_beside_the_choices_do_not_grow_every_chunk() -> None:
    stream = ChatStream(META, include_usage=False)
    for number in range(500):
        stream.encode([Passthrough("chunk", {f"field{number}": "x" * 100})])
    stream.encode([Text("a")])
    assert len(stream.encode([Text("a")])) < 2 * REPEATED_BYTES


def test_names_of_fields_are_bounded() -> None:
    decoder = OpenAIDecoder(OpenAIOptions(base_url="https://api.example").form())
    events = []
    for number in range(1000):
        events += decoder.feed(b"data: " + json.dumps({"choices": [], f"field{number}": 1}).encode() + b"\n\n")
    assert len([event for event in events if isinstance(event, Passthrough)]) <= 256


def test_sources_are_bounded() -> None:
    cited = [Citation("https://a.example", "A")] * (CITATIONS_LIMIT + 5)
    whole = ChatWhole(META)
    body = whole.encode([*cited, Finish("stop")])
    assert len(json.loads(body)["choices"][0]["message"]["annotations"]) == CITATIONS_LIMIT
    told = chunks(ChatStream(META, include_usage=False).encode([*cited, Finish("stop")]))
    assert sum(len(c["choices"][0]["delta"].get("annotations", ())) for c in told) == CITATIONS_LIMIT
