"""The cache of whole answers, through the exchange."""

from pathlib import Path
from typing import Any

from tests.support.answers import DONE, FINISH, STREAM, whole, word
from tests.support.harness import House, api, is_quiet
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

ON = "cache: {ttl_s: 100}"
SAID = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}


async def asked(house: House, *said: bytes, path: str = "/v1/chat/completions", **more: Any) -> Visit:
    headers = more.pop("headers", {})
    body = {"model": "m", "temperature": 0, "messages": [{"role": "user", "content": "Hello"}]} | more
    visit = await house.visit().asks({n: v for n, v in body.items() if v is not None}, path, **headers)
    if visit.requests:
        await visit.says(*said)
    return visit


def state(visit: Visit) -> str | None:
    return visit.got.headers.get("x-glassgate-cache")


@in_virtual_time
async def test_a_whole_answer_is_given_again_to_the_same_request(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        first = await asked(house, whole(200, SAID))
        await house.pass_s(7)
        second = await asked(house)
        assert not second.requests
        assert second.got.body == first.got.body
        assert (state(first), state(second)) == ("miss", "hit")
        assert (second.got.headers["age"], second.got.headers["x-glassgate-attempts"]) == ("7", "0")
        assert second.got.headers["x-request-id"] != first.got.headers["x-request-id"]
        assert (house.line.cache, house.line.model, house.line.prompt_tokens) == ("hit", "m", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_a_stream_is_given_again_as_a_stream(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        first = await asked(house, STREAM, word("Hello"), FINISH, DONE, stream=True)
        second = await asked(house, stream=True)
        assert not second.requests
        assert second.got.body == first.got.body
        assert second.got.headers["content-type"] == first.got.headers["content-type"]
        assert is_quiet(house)
