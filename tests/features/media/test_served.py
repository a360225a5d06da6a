"""Files through a gateway to the stand-ins of the sites, whose model says what it sees: checked signatures, descriptors
and parsing, with the real SDK."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from struct import pack
from typing import Any

import openai
import pytest

from tests.support.media import data_url, document, picture, words
from tests.support.processes import NO_REST
from tests.support.sdk import gathered
from tests.support.served import Served
from tests.support.sites import Sites

CAT = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + pack(">II", 2, 3) + bytes(20)
DOG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + pack(">II", 40, 50) + bytes(20)
NOTES = b"The word is heliotrope.\n"
SEEING = {"zai": "GLM-4.6V", "qwen": "qwen3.7-plus", "longcat": "LongCat"}
READING = {"zai": "GLM-4.6", "qwen": "qwen3.7-max", "longcat": "LongCat"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Sites(("zai", "qwen", "longcat")) as sites:
        folder = tmp_path_factory.mktemp("media")
        with Served(folder, sites, features={"long_prompt_file": True}, **NO_REST) as gateway:
            yield gateway


def asked(town: Served, model: str, *content: dict[str, Any], before: tuple[Any, ...] = (), stream: bool = True) -> str:
    """The words of the answer."""
    messages: Any = [*before, {"role": "user", "content": list(content)}]
    with town.sdk() as client:
        answer: Any = client.chat.completions.create(model=model, messages=messages, stream=stream)
        if stream:
            return gathered(answer)[0]
        return str(answer.choices[0].message.content)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("site", SEEING)
def test_the_model_sees_pictures_as_they_were_sent(town: Served, site: str, stream: bool) -> None:
    told = asked(town, SEEING[site], words("What do you see?"), picture(CAT), picture(DOG), stream=stream)
    assert "PNG, 2x3 pixels" in told
    assert digest(CAT) in told
    assert told.index(digest(CAT)) < told.index(digest(DOG))


@pytest.mark.parametrize("site", READING)
def test_the_model_reads_a_document(town: Served, site: str) -> None:
    told = asked(town, READING[site], words("What does it say?"), document(NOTES, "notes.txt"))
    assert "heliotrope" in told
    assert "notes.txt" in told


@pytest.mark.parametrize("site", READING)
@pytest.mark.parametrize(
    "name", ["文" * 90 + ".txt", "a & b #1 (50%)+~'.txt", "../../../etc/passwd.txt", "ümläut\r\n.txt"]
)
def test_files_may_be_called_anything(town: Served, site: str, name: str) -> None:
    assert "heliotrope" in asked(town, READING[site], words("What does it say?"), document(NOTES + name.encode(), name))


@pytest.mark.parametrize("site", SEEING)
def test_pictures_of_an_earlier_turn_and_of_a_result_are_seen(town: Served, site: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    before = (
        {"role": "user", "content": [words("Mine."), picture(CAT)]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [picture(DOG)]},
    )
    told = asked(town, SEEING[site], words("What do you see?"), before=before)
    assert digest(CAT) in told
    assert digest(DOG) in told


@pytest.mark.parametrize("model", ["GLM-4.6", "qwen3.7-max"])
def test_a_blind_model_is_refused_before_anything_is_uploaded(town: Served, model: str) -> None:
    uploads = sum("upload" in line for line in town.log.splitlines())
    part = {"type": "image_url", "image_url": {"url": data_url(CAT + b"blind")}}
    with pytest.raises(openai.BadRequestError) as caught:
        asked(town, model, words(), words(), part)
    assert caught.value.param == "messages[0].content[2]"
    assert sum("upload" in line for line in town.log.splitlines()) == uploads


def test_the_store_was_sent_nothing_of_the_session(town: Served) -> None:
    asked(town, SEEING["qwen"], words(), picture(CAT + b"leaks"))
    assert town.sites.site("qwen-oss").leaks == []
    assert CAT + b"leaks" in town.sites.site("qwen-oss").objects.values()


@pytest.mark.parametrize("fault", ["keyless", "unwrapped", "refused"])
def test_no_grant_no_chat(town: Served, fault: str) -> None:
    site = town.sites.site("qwen")
    site.files.grant_fault = fault
    try:
        with pytest.raises(openai.APIStatusError) as caught:
            asked(town, SEEING["qwen"], words(), picture(CAT + fault.encode()))
    finally:
        site.files.grant_fault = ""
    assert caught.value.status_code in (400, 502)


@pytest.mark.parametrize(("fault", "status"), [("500", 502), ("reset", 502)])
def test_a_store_that_fails_is_told(town: Served, fault: str, status: int) -> None:
    store = town.sites.site("qwen-oss")
    store.fault = fault
    try:
        answer = town.post(
            {
                "model": SEEING["qwen"],
                "messages": [{"role": "user", "content": [words(), picture(CAT + b"x" + fault.encode())]}],
            },
            timeout=120,
        )
    finally:
        store.fault = ""
    assert answer.status_code == status


def test_a_long_conversation_is_read_out_of_its_file(town: Served) -> None:
    before = (
        {"role": "user", "content": "The word is heliotrope. " + "and so on " * 12_000},
        {"role": "assistant", "content": "Noted."},
    )
    told = asked(town, "qwen3.7-plus", words("Which word?"), before=before)
    assert "conversation-" in told
    assert "heliotrope" in told


def test_base64_without_a_data_url_is_a_file_too(town: Served) -> None:
    part = {"type": "file", "file": {"filename": "notes.txt", "file_data": b64encode(NOTES).decode()}}
    assert "heliotrope" in asked(town, READING["qwen"], words("What does it say?"), part)
