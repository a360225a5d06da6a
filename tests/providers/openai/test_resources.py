"""Files and batches: bound to the key that made them and to where they lie; through the gateway with the real SDK."""

import io
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Issued, Revoked
from providers.contract.passed_on import BatchRequest, FileRequest
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.served import URL, Served
from tests.support.sites import Sites
from tests.support.turns import turn_of
from tests.support.visit import KEY

OTHER = "sk-the-key-of-another-person-9876543210"
LINES: Any = ("in.jsonl", io.BytesIO(b'{"custom_id": "1"}\n'), "application/jsonl")
FILES = {"official": {"operations": ["chat", "files", "batches"]}}
NOW = Moment(1_790_000_000_000, lambda: "id")


@pytest.fixture
def house(tmp_path: Path, sites: Sites) -> Any:
    with Served(tmp_path, sites, providers=FILES, auth={"tokens": [KEY, OTHER]}) as gateway:
        yield gateway


def test_a_file_is_made_read_listed_and_taken_away(house: Served, sites: Sites) -> None:
    client = house.sdk()
    made = client.files.create(file=LINES, purpose="batch")
    assert made.filename == "in.jsonl"
    assert [one.id for one in client.files.list()] == [made.id]
    assert client.files.retrieve(made.id).bytes == 19
    assert client.files.content(made.id).read() == b'{"custom_id": "1"}\n'
    assert client.files.delete(made.id).deleted
    assert list(client.files.list()) == []
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    assert len(sites.site("openai").requests) == 4, "lists and what is not known never reach the API"


def test_another_keys_file_is_as_unknown_as_one_that_never_was(house: Served, sites: Sites) -> None:
    made = house.sdk().files.create(file=LINES, purpose="batch")
    seen = len(sites.site("openai").requests)
    theirs = {"authorization": f"Bearer {OTHER}"}
    for path in (f"/v1/files/{made.id}", f"/v1/files/{made.id}/content", "/v1/files/file-never", "/v1/batches/b"):
        answer = house.request("GET", path, headers=theirs)
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "id")
    assert house.request("DELETE", f"/v1/files/{made.id}", headers=theirs).status_code == 404
    assert house.request("GET", "/v1/files", headers=theirs).json()["data"] == []
    batch = {"input_file_id": made.id, "endpoint": "/v1/embeddings", "completion_window": "24h"}
    answer = house.request("POST", "/v1/batches", headers=theirs, json=batch)
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "input_file_id")
    assert len(sites.site("openai").requests) == seen


def test_a_batch_is_begun_where_its_file_lies_and_its_output_is_the_keys_own(house: Served) -> None:
    client = house.sdk()
    made = client.files.create(file=LINES, purpose="batch")
    begun = client.batches.create(input_file_id=made.id, endpoint="/v1/embeddings", completion_window="24h")
    assert (begun.status, begun.input_file_id) == ("validating", made.id)
    done = client.batches.retrieve(begun.id)
    assert (done.status, [one.status for one in client.batches.list()]) == ("completed", ["completed"])
    assert done.output_file_id is not None
    assert json.loads(client.files.content(done.output_file_id).read()) == {"custom_id": "1"}
    assert {one.id for one in client.files.list()} == {made.id, done.output_file_id}
    assert client.batches.cancel(begun.id).status == "cancelling"


def test_an_upload_goes_to_the_provider_it_names(house: Served) -> None:
    made = house.sdk().files.create(file=LINES, purpose="batch", extra_body={"provider": "official"})
    assert made.status == "processed"
    with pytest.raises(openai.BadRequestError, match="none of this gateway that serves files"):
        house.sdk().files.create(file=LINES, purpose="batch", extra_headers={"x-glassgate-provider": "zai"})


def test_where_no_provider_has_files_it_is_said(tmp_path: Path, sites: Sites) -> None:
    none = {"official": {"operations": ["chat"]}}
    with (
        Served(tmp_path, sites, providers=none) as house,
        pytest.raises(openai.BadRequestError, match="no provider of this gateway serves files"),
    ):
        house.sdk().files.create(file=LINES, purpose="batch")


def test_where_two_have_them_one_is_to_be_named(tmp_path: Path, sites: Sites) -> None:
    also = {"type": "openai_compatible", "base_url": sites.site("openai").address + "/v1", **FILES["official"]}
    with Served(tmp_path, sites, providers={**FILES, "also": {**also, "accounts": [{"name": "a"}]}}) as house:
        with pytest.raises(openai.BadRequestError, match="served by official, also: name one of them"):
            house.sdk().files.create(file=LINES, purpose="batch")
        named = {"x-glassgate-provider": "official"}
        assert house.sdk().files.create(file=LINES, purpose="batch", extra_headers=named).id


def test_a_file_that_the_api_has_no_more_is_not_found(house: Served, sites: Sites, http: httpx.Client) -> None:
    made = house.sdk().files.create(file=LINES, purpose="batch")
    sites.site("openai").shelf.files.clear()
    answer = house.get(f"{URL}/v1/files/{made.id}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_chat_that_names_a_file_is_asked_where_it_lies_and_by_its_own_key_alone(house: Served, sites: Sites) -> None:
    made = house.sdk().files.create(file=LINES, purpose="user_data")
    parts = [{"type": "text", "text": "Read it"}, {"type": "file", "file": {"file_id": made.id}}]
    ask = {"model": "sandbox-large", "messages": [{"role": "user", "content": parts}]}
    assert house.post(ask).status_code == 200
    seen = len(sites.site("openai").requests)
    answer = house.request("POST", "/v1/chat/completions", headers={"authorization": f"Bearer {OTHER}"}, json=ask)
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "messages[0].content[1].file.file_id")
    assert len(sites.site("openai").requests) == seen


def test_a_list_has_pages(house: Served) -> None:
    client = house.sdk()
    made = [client.files.create(file=LINES, purpose="batch").id for _ in range(3)]
    assert [one.id for one in client.files.list(limit=2, order="asc")] == made, "the SDK asks for the pages that follow"
    page = client.files.list(limit=1, purpose="batch")
    assert ([one.id for one in page.data], page.has_more) == ([made[-1]], True)


# -- the turn ---------------------------------------------------------------------------------------------------------
def turn(request: FileRequest | BatchRequest) -> Any:
    options = OpenAIOptions(base_url="http://127.0.0.1:1/v1", preset="openai")
    return turn_of(OpenAICompatible("api", options), request, Session("api", "a", ("api_key",)))


@pytest.mark.parametrize("id", ["../models", "a/b", "a?b", "-a", "a" * 201, "ä", "a b", "a\r\nx: y"])
def test_no_id_leads_to_another_path(id: str) -> None:
    with pytest.raises(ProviderError) as refused:
        turn(FileRequest("", action="retrieve", id=id)).call(NOW)
    assert refused.value.kind is ErrorKind.NOT_FOUND


def test_a_call_is_its_method_and_path() -> None:
    sent: Call = turn(BatchRequest("", action="cancel", id="batch_1")).call(NOW)
    assert (sent.method, sent.shown_url, sent.body) == ("POST", "http://127.0.0.1:1/v1/batches/batch_1/cancel", b"")


@pytest.mark.parametrize(
    ("request_", "document", "found"),
    [
        (FileRequest(""), {"id": "file-1"}, [Issued("file", "file-1", b"x")]),
        (FileRequest(""), {"id": "../file-1"}, []),
        (FileRequest(""), {"id": 5}, []),
        (FileRequest("", action="retrieve", id="file-1"), {"id": "file-2"}, []),
        (FileRequest("", action="delete", id="f"), {"id": "f", "deleted": True}, [Revoked("file", "f")]),
        (FileRequest("", action="delete", id="f"), {"id": "f", "deleted": False}, []),
        (BatchRequest(""), {"id": "b", "output_file_id": "../x"}, [Issued("batch", "b", b"x")]),
    ],
)
def test_only_what_can_be_an_id_is_taken_note_of(request_: Any, document: Any, found: list[Any]) -> None:
    assert list(turn(request_)._found(document, b"x")) == found
