"""Files at Qwen: what goes to whom, and what a hostile grant can do (nothing)."""

from typing import Any
from urllib.parse import quote

import pytest

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import shown
from providers.contract.steps import Answer, Wait
from providers.contract.uploads import MediaFile
from providers.formats.jsontext import dumps, loads
from providers.qwen.oss_signature import signature
from providers.qwen.uploads import POLLS
from tests.providers.qwen.accounts import answer, chat, moment, qwen, session
from tests.support.media import PDF, PNG
from tests.support.turns import turn_of

PICTURE = MediaFile("image", "cat.png", "image/png", PNG)
DOCUMENT = MediaFile("document", "a.pdf", "application/pdf", PDF)
BASE = "https://qwen-webui-prod.oss-accelerate.aliyuncs.com"
KEY_ID, KEY_SECRET, TOKEN = "STS.canaryKeyId0123456", "canarySecret0123456789", "CAIScanaryToken0123456789+/=="
GRANT: dict[str, Any] = {
    "access_key_id": KEY_ID,
    "access_key_secret": KEY_SECRET,
    "security_token": TOKEN,
    "file_url": f"{BASE}/user-1/f_cat.png?x-oss-security-token={quote(TOKEN)}&x-oss-signature=ff",
    "file_path": "user-1/f_cat.png",
    "file_id": "f-1",
    "bucketname": "qwen-webui-prod",
    "region": "oss-ap-southeast-1",
    "endpoint": "oss-accelerate.aliyuncs.com",
}


def granted(**changed: Any) -> Answer:
    return answer({"success": True, "data": GRANT | changed})


def upload(file: MediaFile, *answers: Any, **options: Any) -> tuple[Any, list[Call | Wait]]:
    """What comes of an upload with these answers, and what it asked for."""
    uploads = qwen(**options).uploads
    assert uploads is not None
    work, asked, given = uploads.upload(file, session(), moment()), [], iter(answers)
    try:
        step: Any = next(work)
        while True:
            asked.append(step)
            step = work.send(None if isinstance(step, Wait) else next(given))
    except StopIteration as end:
        assert next(given, None) is None
        return end.value, asked


def refused(file: MediaFile, *answers: Any, **options: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        upload(file, *answers, **options)
    for secret in (KEY_ID, KEY_SECRET, TOKEN):
        assert secret not in caught.value.message
    return caught.value


def test_a_picture_goes_to_the_store_with_a_signature_and_no_secret_of_the_session() -> None:
    attached, (grant, put) = upload(PICTURE, granted(), Answer(200, {}, b""))
    assert isinstance(grant, Call)
    assert isinstance(put, Call)
    assert grant.shown_url == "https://chat.qwen.ai/api/v2/files/getstsToken"
    assert loads(grant.shown_body) == {"filename": "cat.png", "filesize": str(len(PNG)), "filetype": "image"}
    assert grant.secrets
    assert grant.hides_answer
    assert (put.method, put.shown_url, put.shown_body) == ("PUT", f"{BASE}/user-1/f_cat.png", PNG)
    assert put.secrets == ()
    assert put.hides_answer
    for told in (repr(put), str([shown(value) for _, value in put.headers])):
        assert not any(secret in told for secret in (KEY_ID, KEY_SECRET, TOKEN))
    wire = dict(put.opened(lambda secret: pytest.fail("a secret of the session")).headers)
    signed = signature(
        "PUT",
        "/qwen-webui-prod/user-1/f_cat.png",
        {name: str(value) for name, value in wire.items() if name != "authorization"},
        secret=KEY_SECRET,
        region="ap-southeast-1",
    )
    date = str(wire["x-oss-date"])[:8]
    assert wire["authorization"] == (
        f"OSS4-HMAC-SHA256 Credential={KEY_ID}/{date}/ap-southeast-1/oss/aliyun_v4_request,Signature={signed}"
    )
    assert wire["x-oss-security-token"] == TOKEN
    assert "cookie" not in wire
    assert attached.descriptor["url"] == f"{BASE}/user-1/f_cat.png"
    assert attached.descriptor["file_class"] == "vision"
    assert not any(secret in repr(attached) for secret in (KEY_ID, KEY_SECRET, TOKEN))


def test_the_signature_is_of_the_moment_when_the_grant_had_come() -> None:
    late = granted()
    late = Answer(late.status, late.headers, late.body, (), 1_800_000_000_000)
    _, (_, put) = upload(PICTURE, late, Answer(200, {}, b""))
    assert isinstance(put, Call)
    assert dict(put.headers)["x-oss-date"] == "20270115T080000Z"


HOSTILE = [
    "https://evil.example/a",
    "http://qwen-webui-prod.oss-accelerate.aliyuncs.com/a",
    f"{BASE}:8443/a",
    f"{BASE}.evil.example/a",
    f"{BASE}@evil.example/a",
    "https://user@qwen-webui-prod.oss-accelerate.aliyuncs.com/a",
    "https://169.254.169.254/latest/meta-data",
    "https://127.0.0.1/a",
    "http://127.0.0.1:1/a",
    "https://[::1]/a",
    "https://chat.qwen.ai/api/v2/chats/",
    "https://other-bucket.oss-accelerate.aliyuncs.com/a",
    f"{BASE}/a/../b",
    f"{BASE}/a\\@evil.example",
    f"{BASE}/a\r\nHost: evil.example",
    f"{BASE}/~sealed~qwen~main~token~ x",
    f"{BASE}/",
    f"{BASE}?/a",
    "file:///etc/passwd",
    "",
    7,
]


@pytest.mark.parametrize("url", HOSTILE, ids=repr)
def test_a_grant_for_another_place_is_not_followed(url: Any) -> None:
    error = refused(PICTURE, granted(file_url=url))
    assert error.kind is ErrorKind.PROVIDER_DOWN
    assert "none of its own" in error.message
    assert "evil" not in error.message


@pytest.mark.parametrize("url", [f"{BASE}/a", "http://127.0.0.1:1/a", "http://127.0.0.1:9000@x/a"], ids=repr)
def test_a_stand_in_on_this_machine_is_asked_itself_and_nobody_else(url: str) -> None:
    refused(PICTURE, granted(file_url=url), base_url="http://127.0.0.1:9000")
    attached, _ = upload(
        PICTURE,
        granted(file_url="http://127.0.0.1:9000/oss/f?x=1"),
        Answer(200, {}, b""),
        base_url="http://127.0.0.1:9000",
    )
    assert attached.name == "cat.png"
    assert qwen(base_url="http://127.0.0.1:9000").upload_origins() == {"http://127.0.0.1:9000"}


@pytest.mark.parametrize(
    "changed",
    [
        {"access_key_secret": None},
        {"security_token": "a\r\nb"},
        {"access_key_id": ""},
        {"file_path": "a\nb"},
        {"file_path": ""},
        {"bucketname": "a/b"},
        {"region": "x y"},
        {"file_id": "~sealed~qwen~main~token~"},
        {"file_id": None},
    ],
    ids=repr,
)
def test_a_grant_that_lacks_something_is_told(changed: dict[str, Any]) -> None:
    assert refused(PICTURE, granted(**changed)).kind is ErrorKind.PROVIDER_DOWN


def test_grants_of_before_without_a_wrapper_are_no_grants() -> None:
    refused(PICTURE, answer(GRANT))


@pytest.mark.parametrize("status", [301, 307, 403, 500])
def test_what_the_store_does_not_take_is_an_error_and_nothing_is_followed(status: int) -> None:
    given = Answer(status, {"location": "https://evil.example/"}, TOKEN.encode())
    assert refused(PICTURE, granted(), given).status == status


def test_an_ended_session_is_told_as_one() -> None:
    ended = answer({"success": False, "data": {"code": "Unauthorized", "details": "token expired"}})
    assert refused(PICTURE, ended).kind is ErrorKind.SESSION_EXPIRED


# -- documents --------------------------------------------------------------------------------------------------------
def status(word: str, **more: str) -> Answer:
    return answer({"success": True, "data": [{"file_id": "other"}, {"file_id": "f-1", "status": word, **more}]})


PARSED = answer({"success": True, "data": {}})


def test_a_document_is_read_by_the_site_before_it_is_named() -> None:
    attached, asked = upload(
        DOCUMENT, granted(), Answer(200, {}, b""), PARSED, status("running"), status("pending"), status("Success")
    )
    paths = [one.shown_url.rpartition("/api")[2] for one in asked if isinstance(one, Call)]
    assert paths[2:] == ["/v2/files/parse", *["/v2/files/parse/status"] * 3]
    assert [one.seconds for one in asked if isinstance(one, Wait)] == [0.5, 1.0]
    assert attached.descriptor["file"]["meta"]["parse_meta"] == {"parse_status": "success"}
    assert (attached.descriptor["type"], attached.descriptor["context"]) == ("file", "full")


@pytest.mark.parametrize("form", [{"list": [{"status": "done"}]}, {"items": [{"status": "done"}]}, {"status": "done"}])
def test_records_in_any_form(form: Any) -> None:
    upload(DOCUMENT, granted(), Answer(200, {}, b""), PARSED, answer({"success": True, "data": form}))


def test_a_document_that_cannot_be_read_is_the_requests_fault() -> None:
    error = refused(DOCUMENT, granted(), Answer(200, {}, b""), PARSED, status("failed", error_msg="encrypted"))
    assert error.kind is ErrorKind.BAD_REQUEST
    assert "encrypted" in error.message


def test_reading_is_not_waited_for_without_end() -> None:
    error = refused(DOCUMENT, granted(), Answer(200, {}, b""), PARSED, *[status("running")] * POLLS)
    assert "in time" in error.message


# -- what models take -------------------------------------------------------------------------------------------------
def test_models_take_what_the_list_says() -> None:
    uploads = qwen().uploads
    assert uploads is not None
    assert set(uploads.accepted("qwen-max")) == {"document"}
    assert set(uploads.accepted("qwen-plus")) == {"document", "image", "video"}
    assert set(uploads.accepted("qwen3.8-omni-flash")) == {"document", "image", "video", "audio"}
    assert set(uploads.accepted("qwen-plus-image")) == {"image"}, "to be changed"
    assert uploads.accepted("none") == {}


def test_a_chat_names_its_files_and_may_be_without_words() -> None:
    from providers.contract.chat import AttachedPart, Message

    part = AttachedPart("image", "cat.png", {"id": "f-1"})
    turn = turn_of(qwen(), chat("qwen-plus", messages=(Message("user", (part,)),)), session())
    message = loads(turn.call(moment()).shown_body)["messages"][0]
    assert (message["content"], message["files"]) == ("", [{"id": "f-1"}])
    assert dumps(message)
