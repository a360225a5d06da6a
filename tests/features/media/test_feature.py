"""Files in a chat: uploaded before the turn, named in it, refused by name where the site cannot take them."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from addons.features.media.feature import decoded
from addons.features.media.parts import file_parts
from providers.contract.chat import ImagePart, Message
from providers.contract.steps import Wait
from providers.zai.uploads import ZaiUploads
from tests.support.answers import ALL_SAID, STREAM, said
from tests.support.harness import House, zai
from tests.support.media import MP4, PDF, PNG, document, picture, sound, video, words
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

EYES = "GLM-4.5V"


class Uploaded:
    """Z.AI's end of uploads: what it was sent."""

    def __init__(self, house: House) -> None:
        self.bodies: list[bytes] = []
        self.running = self.most_running = 0
        self.refuses: tuple[int, object] | None = None
        house.site.replies["POST /api/v1/files/"] = self.take

    def take(self, request: httpx.Request) -> tuple[int, object]:
        self.bodies.append(request.content)
        assert request.headers["authorization"].startswith("Bearer eyJ")
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        return self.refuses or (200, {"id": f"file-{len(self.bodies)}", "filename": "f", "meta": {"size": 1}})


async def asks(house: House, *parts: dict[str, Any], model: str = EYES, before: tuple[Any, ...] = ()) -> Visit:
    messages = [*before, {"role": "user", "content": [*parts]}]
    return await house.visit().asks({"model": model, "messages": messages, "stream": True})


def sent(visit: Visit) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(visit.asked().content)
    return body


@in_virtual_time
async def test_a_picture_is_uploaded_and_named_in_the_chat(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        visit = await asks(house, words(), picture())
        await visit.says(STREAM, said("A cat."), ALL_SAID)
        assert visit.got.text == "A cat."
        assert PNG in uploaded.bodies[0]
        body = sent(visit)
        content = body["messages"][0]["content"]
        assert content == [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "file-1"}},
        ]
        assert body["signature_prompt"] == "What is it?"
        (file,) = body["files"]
        assert (file["id"], file["type"], file["media"], file["size"]) == ("file-1", "image", "image", len(PNG))
        assert file["ref_user_msg_id"] == body["current_user_message_id"]
        assert file["name"].startswith("image-")
        assert file["name"].endswith(".png")
        paths = [request.url.path for request in house.site.asked]
        assert paths.index("/api/v1/files/") < paths.index("/api/v1/chats/new")
        assert any("uploaded" in line for line in house.said)


@in_virtual_time
async def test_what_the_account_has_already_is_not_uploaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ZaiUploads, "valid_s", 60.0)
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        for _ in range(2):
            visit = await asks(house, picture(), words(), picture())
            await visit.says(STREAM, said("."), ALL_SAID)
            assert len(sent(visit)["files"]) == 1
        assert len(uploaded.bodies) == 1
        await house.pass_s(61)
        await asks(house, picture())
        assert len(uploaded.bodies) == 2


@in_virtual_time
async def test_another_account_has_it_not(tmp_path: Path) -> None:
    async with zai(tmp_path, "routing: {strategy: round_robin}") as house:
        uploaded = Uploaded(house)
        asked = [await asks(house, words(f"Conversation {number}"), picture()) for number in range(2)]
        owners = {visit.asked().headers["authorization"] for visit in asked}
        assert len(owners) == len(uploaded.bodies) == 2


@pytest.mark.parametrize(
    ("model", "part", "why"),
    [
        ("GLM-4.6", picture(), "pictures are not carried to this model). Use a model that sees pictures"),
        ("GLM-4.6", video(), "videos are not carried to this model"),
        (EYES, sound(), "sounds are not carried to this model"),
        (EYES, picture(PDF), "is said to be a picture, and holds application/pdf"),
        (EYES, picture(b"\0" * 50), "nothing that could be told to be a picture"),
        (EYES, document(b"II*\0" + bytes(30), "a.tiff"), "pictures may be bmp"),
        (EYES, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, "features.remote_media"),
        (EYES, {"type": "image_url", "image_url": {"url": "ftp://example.com/a.png"}}, "data: URL"),
        (EYES, {"type": "image_url", "image_url": {"url": "data:image/png,abc"}}, "base64"),
        (EYES, {"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%%%%%%"}}, "base64"),
        (EYES, {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}, "no file"),
    ],
)
@in_virtual_time
async def test_what_the_model_cannot_be_shown_is_refused_before_anything_is_sent(
    tmp_path: Path, model: str, part: dict[str, Any], why: str
) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        visit = await asks(house, words(), part, model=model)
        assert visit.got.status == 400
        assert why in visit.got.error["message"]
        assert visit.got.error["param"].startswith("messages[0].content[1]")
        assert not uploaded.bodies
        assert house.site.chats == 0


@in_virtual_time
async def test_a_model_sees_by_whatever_name_it_is_asked(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        visit = await asks(house, words(), picture(), model=f"zai/{EYES}")
        await visit.says(STREAM, said("A cat."), ALL_SAID)
        assert visit.got.text == "A cat."
        assert len(uploaded.bodies) == 1


@in_virtual_time
async def test_a_file_that_nobody_uploaded_here_is_not_found(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await asks(house, words(), {"type": "file", "file": {"file_id": "file-abc"}}, model=EYES)
        assert (visit.got.status, visit.got.error["code"]) == (404, "file_not_found")
        assert visit.got.error["param"] == "messages[0].content[1].file.file_id"
        assert house.site.chats == 0


@in_virtual_time
async def test_numbers_and_mixtures_are_checked_first(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        many = [picture(PNG + bytes([number])) for number in range(21)]
        for parts, why in (
            ([picture(), document()], "together are not taken"),
            ([video(), video(MP4 + b"2")], "at most 1 videos"),
            (many, "at most 20 pictures"),
        ):
            visit = await asks(house, *parts)
            assert visit.got.status == 400
            assert why in visit.got.error["message"]
        assert not uploaded.bodies


@in_virtual_time
async def test_base64_that_goes_wrong_late_is_told_and_nothing_is_asked(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        url = f"data:image/png;base64,{b64encode(PNG + bytes(9000)).decode()}!!!!"
        visit = await asks(house, words(), {"type": "image_url", "image_url": {"url": url}})
        assert visit.got.status == 400
        assert visit.got.error["param"] == "messages[0].content[1]"
        assert not visit.requests


@pytest.mark.parametrize(
    ("answer", "status"),
    [((500, b"oops"), 502), ((200, {}), 502), ((200, {"id": "x", "error": "cannot be read"}), 400)],
)
@in_virtual_time
async def test_a_failed_upload_never_lets_the_chat_go_on_without_its_picture(
    tmp_path: Path, answer: tuple[int, object], status: int
) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        uploaded.refuses = answer
        visit = await asks(house, words(), picture())
        await house.pass_s(60)
        assert visit.got.status == status
        assert not visit.requests
        assert house.site.chats == 0


@in_virtual_time
async def test_a_hostile_id_of_a_file_goes_nowhere(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        uploaded.refuses = (200, {"id": "~sealed~zai~a~token~\r\nX: y"})
        visit = await asks(house, picture())
        await house.pass_s(60)
        assert visit.got.status == 502
        assert not visit.requests


@in_virtual_time
async def test_pictures_of_earlier_turns_and_results_come_along_by_name(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        before = (
            {"role": "user", "content": [picture(), words("Mine.")]},
            {"role": "assistant", "content": "Nice."},
        )
        visit = await asks(house, words("And this?"), picture(PNG + b"2"), before=before)
        body = sent(visit)
        assert len(uploaded.bodies) == len(body["files"]) == 2
        text = body["messages"][0]["content"][0]["text"]
        first, second = (file["name"] for file in body["files"])
        assert text.index(first) < text.index("Mine.") < text.index("And this?") < text.index(second)


@in_virtual_time
async def test_a_text_model_reads_documents(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        Uploaded(house)
        visit = await asks(house, words(), document(b"a,b\n1,2\n", "table.csv"), model="GLM-4.6")
        body = sent(visit)
        assert body["messages"][0]["content"] == "What is it?"
        assert [(file["name"], file["media"]) for file in body["files"]] == [("table.csv", "file")]


@in_virtual_time
async def test_the_model_with_its_own_servers_gets_them(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        Uploaded(house)
        assert "vlm-image-recognition" in sent(await asks(house, picture(), model="GLM-4.6V"))["mcp_servers"]
        body = sent(await asks(house, picture(), model="GLM-5V-Turbo"))
        assert body["features"]["vlm_tools_enable"] is True
        assert "mcp_servers" not in body
        assert "files" not in sent(await asks(house, words()))


@in_virtual_time
async def test_many_are_uploaded_four_at_a_time(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        take = uploaded.take

        async def slowly(request: httpx.Request) -> tuple[int, object]:
            uploaded.running += 1
            uploaded.most_running = max(uploaded.most_running, uploaded.running)
            await house.pass_s(1)
            uploaded.running -= 1
            return take(request)

        house.site.replies["POST /api/v1/files/"] = slowly
        visit = await asks(house, *(picture(PNG + bytes([number])) for number in range(10)))
        await house.pass_s(10)
        assert len(sent(visit)["files"]) == 10
        assert uploaded.most_running == 4


@in_virtual_time
async def test_a_client_that_leaves_ends_its_uploads(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        asked: list[int] = []

        async def never(request: httpx.Request) -> tuple[int, object]:
            asked.append(1)
            await house.pass_s(10_000)
            return 200, {}

        house.site.replies["POST /api/v1/files/"] = never
        visit = await asks(house, *(picture(PNG + bytes([number])) for number in range(10)))
        assert len(asked) == 4
        await visit.leaves()
        await house.pass_s(1)
        assert len(asked) == 4
        assert house.line.outcome == "client_left"
        assert not house.gate.exchanges


@pytest.mark.parametrize("line", [0, 76, 1000])
def test_base64_is_read_in_turns_however_it_is_broken_into_lines(line: int) -> None:
    data = PNG + bytes(range(256)) * 12_000
    text = b64encode(data).decode()
    if line:
        text = "\r\n".join(text[at : at + line] for at in range(0, len(text), line))
    (part,) = file_parts([Message("user", (ImagePart(f"data:image/png;base64,{text}"),))])
    work, turns = decoded(part), -(-len(text) // (1024 * 1024))
    assert [next(work) for _ in range(turns)] == [Wait()] * turns
    with pytest.raises(StopIteration) as end:
        next(work)
    assert end.value.value == (data, sha256(data).hexdigest())


@in_virtual_time
async def test_several_answers_share_one_upload(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        uploaded = Uploaded(house)
        take = uploaded.take

        async def slowly(request: httpx.Request) -> tuple[int, object]:
            await house.pass_s(3)
            return take(request)

        house.site.replies["POST /api/v1/files/"] = slowly
        messages = [{"role": "user", "content": [words(), picture()]}]
        visits = [await house.visit().asks({"model": EYES, "messages": messages, "stream": True}) for _ in range(2)]
        await house.pass_s(10)
        asked = {visit.asked().headers["authorization"] for visit in visits}
        assert len(uploaded.bodies) == len(asked) == 1


@in_virtual_time
async def test_nobody_waits_for_an_upload_whose_client_has_left(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:

        async def never(request: httpx.Request) -> tuple[int, object]:
            await house.pass_s(10_000)
            return 200, {}

        house.site.replies["POST /api/v1/files/"] = never
        await (await asks(house, picture())).leaves()
        uploaded = Uploaded(house)
        visit = await asks(house, picture())
        assert len(uploaded.bodies) == 1
        assert visit.requests
