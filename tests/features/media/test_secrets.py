"""What a site hands out for an upload stands nowhere: flows, recordings, log, errors; and who is sent what."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.sandbox.tokens import jwt
from tests.support.answers import STREAM, Said
from tests.support.harness import House
from tests.support.http1 import END, chunk
from tests.support.media import PNG, picture, words
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

QWEN = "\n  qwen: {type: qwen, base_url: 'http://127.0.0.1:1003', accounts: [a]}\n"
HANDED = {
    "access_key_id": "STS.canaryKeyId0123456",
    "access_key_secret": "canarySecret0123456789",
    "security_token": "CAIScanaryToken0123456789",
}
SIGNED = "canarySignature0123456789"
BUCKET = "/bucket/user-1/f_cat.png"
RECORD = "record: {enabled: true, folder: records}"


def grant(**changed: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:1003{BUCKET}?x-oss-security-token={HANDED['security_token']}&x-oss-signature={SIGNED}"
    found = {
        **HANDED,
        "file_url": url,
        "file_path": "user-1/f_cat.png",
        "file_id": "f-1",
        "bucketname": "bucket",
        "region": "oss-ap-southeast-1",
    }
    return {"success": True, "data": found | changed}


class Qwen:
    """The site and its store."""

    def __init__(self, folder: Path) -> None:
        self.token = jwt({"id": "user-1", "exp": 4_000_000_000})
        material = {"token": self.token, "cookies": {"acw_tc": "edge-cookie-0123456789"}}
        self.house = House(folder, QWEN, {("qwen", "a"): material}, RECORD)
        self.granted: Said = (200, grant())
        self.put: Said = (200, b"")
        self.stored: list[httpx.Request] = []
        replies = self.house.site.replies
        replies["POST /api/v2/files/getstsToken"] = lambda request: self.granted
        replies[f"PUT {BUCKET}"] = self.store
        replies["POST /api/v2/chats/new"] = (200, {"success": True, "data": {"id": "chat-1"}})

    def store(self, request: httpx.Request) -> Said:
        self.stored.append(request)
        return self.put

    async def asks(self) -> Visit:
        content = [words(), picture()]
        body = {"model": "qwen-plus", "messages": [{"role": "user", "content": content}], "stream": True}
        return await self.house.visit().asks(body)

    def told(self, *more: object) -> str:
        """All that is kept or told."""
        flows = [repr(flow.get_state()) for flow in self.house.flows()]
        files = [file.read_text(errors="replace") for file in self.house.folder.rglob("*") if file.is_file()]
        vault = (self.house.folder / "s" / "vault.json").read_text()
        return "\n".join([*flows, *(file for file in files if file != vault), *self.house.said, *map(repr, more)])

    def recordings(self) -> list[Path]:
        return list(self.house.folder.rglob("*.glass.json"))

    def check(self, *more: object) -> None:
        told = self.told(*more)
        assert "getstsToken" in told
        for name, secret in {**HANDED, "signature": SIGNED, "token": self.token}.items():
            assert secret not in told, name


ANSWER = b"".join(
    f"{len(line):x}\r\n".encode() + line + b"\r\n"
    for line in (
        b'data: {"response.created":{"chat_id":"chat-1","parent_id":"p","response_id":"r","response_index":"0"}}\n\n',
        b'data: {"choices":[{"delta":{"role":"assistant","content":"A cat.","phase":"answer","status":"typing"}}]}\n\n',
        b'data: {"choices":[{"delta":{"role":"assistant","content":"","phase":"answer","status":"finished"}}]}\n\n',
    )
)


@in_virtual_time
async def test_a_picture_reaches_the_store_and_no_secret_anybody_else(tmp_path: Path) -> None:
    qwen = Qwen(tmp_path)
    async with qwen.house as house:
        visit = await qwen.asks()
        await visit.says(STREAM, ANSWER, END)
        assert visit.got.text == "A cat."
        (put,) = qwen.stored
        assert put.content == PNG
        assert put.headers["x-oss-security-token"] == HANDED["security_token"]
        assert put.headers["authorization"].startswith(f"OSS4-HMAC-SHA256 Credential={HANDED['access_key_id']}/")
        assert "cookie" not in put.headers
        assert qwen.token not in str(put.headers)
        message = json.loads(visit.asked().content)["messages"][0]
        assert message["files"][0]["url"] == f"http://127.0.0.1:1003{BUCKET}"
        await house.pass_s(60)
        shown = [flow for flow in house.flows() if flow.request.method == "PUT"]
        assert "~handed-out~security_token~" in str(shown[0].request.headers)
        qwen.check(visit.got)
        assert qwen.recordings()
    qwen.check()


REFUSED = b'data: {"error":{"code":"invalid_input","details":"attachment is not exist"}}\n\n'


@in_virtual_time
async def test_what_the_site_says_it_has_not_is_uploaded_anew(tmp_path: Path) -> None:
    qwen = Qwen(tmp_path)
    async with qwen.house:
        await (await qwen.asks()).says(STREAM, ANSWER, END)
        visit = await qwen.asks()
        assert len(qwen.stored) == 1
        await visit.says(STREAM, chunk(REFUSED), END)
        assert len(qwen.stored) == 2, "the same request, in another chat"
        await visit.says(STREAM, ANSWER, END)
        assert visit.got.text == "A cat."


@in_virtual_time
async def test_a_store_for_files_has_no_say_in_the_session(tmp_path: Path) -> None:
    qwen = Qwen(tmp_path)
    qwen.house.site.replies["PUT /elsewhere/f"] = httpx.Response(200, headers={"set-cookie": "acw_tc=stolen-0123456"})
    qwen.house.providers = QWEN.replace("accounts:", "upload_urls: ['http://127.0.0.1:1004'], accounts:")
    qwen.granted = (200, grant(file_url="http://127.0.0.1:1004/elsewhere/f"))
    async with qwen.house as house:
        visit = await qwen.asks()
        assert visit.requests
        await house.pass_s(5)
        again = await qwen.asks()
        assert "stolen" not in again.asked().headers["cookie"]


XML = f"<Error><Code>SignatureDoesNotMatch</Code><Token>{HANDED['security_token']}</Token></Error>".encode()


@pytest.mark.parametrize(
    ("granted", "put"),
    [
        ((200, grant(file_url=f"https://evil.example/x?t={SIGNED}")), (200, b"")),
        ((200, grant(file_url=f"http://127.0.0.1:1004{BUCKET}?t={SIGNED}")), (200, b"")),
        ((200, grant(bucketname="a/b")), (200, b"")),
        ((200, b'{"data": broken ' + json.dumps(HANDED).encode()), (200, b"")),
        ((500, {"success": False, "data": {**HANDED, "details": "no"}}), (200, b"")),
        ((200, grant()), (403, XML)),
        ((200, grant()), httpx.Response(307, headers={"location": f"https://evil.example/?{SIGNED}"})),
    ],
    ids=["another host", "another port", "bad bucket", "broken", "refused", "store refuses", "store redirects"],
)
@in_virtual_time
async def test_whatever_goes_wrong_with_it(tmp_path: Path, granted: Said, put: Said) -> None:
    qwen = Qwen(tmp_path)
    qwen.granted, qwen.put = granted, put
    async with qwen.house as house:
        visit = await qwen.asks()
        await house.pass_s(60)
        assert visit.got.status >= 400
        assert not visit.requests
        assert {request.url.host for request in house.site.asked} == {"127.0.0.1"}
        assert {request.url.port for request in house.site.asked} == {1003}
        qwen.check(visit.got)
    qwen.check()
