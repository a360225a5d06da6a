"""Answers out of what is kept, as the gateway gives them at the head."""

import json
from collections.abc import Iterable
from typing import Any, cast

import pytest

from addons.dialects.base import ANSWERS
from addons.dialects.body import all_at_once
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.responses import local
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError

ITEMS = [{"type": "message", "role": "user", "content": str(number)} for number in range(25)]
VALUE = json.dumps({"input": ITEMS, "response": {"id": "resp_1", "object": "response", "output": []}}).encode()


class Kept:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str], bytes] = {(ANSWERS, "resp_1"): VALUE}

    def get(self, kind: str, id: str) -> bytes | None:
        return self.items.get((kind, id))

    def delete(self, kind: str, id: str) -> bool:
        return self.items.pop((kind, id), None) is not None


class Shown:
    def __init__(self) -> None:
        self.kept = Kept()

    def tokens(self, texts: Iterable[str]) -> int:
        return len(" ".join(texts).split())


def asked(answer: Any, id: str = "resp_1", query: str = "", catalog: Any = None) -> Any:
    head = RoutedHead(params={"id": id}, query=query)
    return json.loads(answer(head, cast(Catalog, catalog or Shown())).content)


def test_an_answer_is_given_again() -> None:
    assert asked(local.response_answer) == {"id": "resp_1", "object": "response", "output": []}


def test_items_come_in_pages() -> None:
    page = asked(local.input_items_answer)
    assert (len(page["data"]), page["has_more"], page["data"][0]["content"][0]["text"]) == (20, True, "24")
    rest = asked(local.input_items_answer, query=f"after={page['last_id']}")
    assert (len(rest["data"]), rest["has_more"], rest["data"][-1]["content"][0]["text"]) == (5, False, "0")
    first = asked(local.input_items_answer, query="order=asc&limit=1")
    assert (first["data"][0]["content"][0]["text"], first["first_id"] == first["last_id"]) == ("0", True)
    assert len(asked(local.input_items_answer, query="limit=0")["data"]) == 1
    assert len(asked(local.input_items_answer, query="limit=x&after=y&order=z")["data"]) == 20


def test_a_deleted_one_is_gone() -> None:
    catalog = Shown()
    assert asked(local.deleted_answer, catalog=catalog) == {"id": "resp_1", "object": "response", "deleted": True}
    with pytest.raises(GatewayError):
        asked(local.deleted_answer, catalog=catalog)


@pytest.mark.parametrize(
    "answer", [local.response_answer, local.input_items_answer, local.deleted_answer, local.cancel_answer]
)
def test_an_id_that_is_not_known(answer: Any) -> None:
    with pytest.raises(GatewayError) as caught:
        asked(answer, "resp_of_another")
    assert (caught.value.status, caught.value.code) == (404, "response_not_found")


def test_nothing_can_be_cancelled() -> None:
    with pytest.raises(GatewayError) as caught:
        asked(local.cancel_answer)
    assert caught.value.status == 400


def test_tokens_with_tools_and_what_was_said_before() -> None:
    def count(**fields: Any) -> int:
        body = json.dumps({"model": "m", "input": "one two", **fields}).encode()
        reading = local.tokens_answer(LocalRequest(RoutedHead(), body), cast(Catalog, Shown()))
        found: int = json.loads(all_at_once(reading).content or b"")["input_tokens"]
        return found

    assert count() == 2
    assert count(tools=[{"type": "function", "name": "f", "description": "does it"}]) == 5
    assert count(previous_response_id="resp_1") == 27
    with pytest.raises(GatewayError) as caught:
        count(previous_response_id="resp_2")
    assert caught.value.code == "previous_response_not_found"
