"""Forms that are passed on while they come, through the exchange: whom they reach, what follows a failure, what is
refused, and what is kept of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from addons.exchange.form_upload import takes_as_it_is
from addons.inspect.annotation import annotation_of
from providers.contract.pictures import ImageRequest
from providers.registry import provider_class
from tests.support.answers import whole
from tests.support.harness import API, API_KEYS, House, api, is_quiet
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time, settle
from tests.support.visit import KEY, Visit

SPEECH: Final = "/v1/audio/transcriptions"
FILES: Final = "/v1/files"
KB: Final = 1024
PIECE: Final = 16 * KB
LIMITS: Final = "limits: {body_mb: 0.25, upload_mb: 0.5}"
ENOUGH: Final = 128 * KB
"""Half of what a body may have is read before it is passed on, where that is less than WHOLE_BYTES."""
TEXT: Final = whole(200, {"text": "Hello"})


def part(name: str, data: bytes, more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"


def form(size: int, *before: bytes, behind: bytes = b"") -> bytes:
    """A form with a file of that size."""
    return b"".join(before) + part("file", b"\xff" * size, '; filename="a.wav"') + behind + b"--b--\r\n"


M: Final = part("model", b"m")
BIG: Final = form(384 * KB, M)


def begins(visit: Visit, path: str, length: int | None, **fields: str) -> None:
    """Sends the head of a form."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    visit.client_sends(
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: multipart/form-data; boundary=b\r\n{framing}\r\n{more}\r\n".encode()
    )


def pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


async def sends(visit: Visit, body: bytes) -> None:
    for piece in pieces(body):
        visit.client_sends(piece)
    await settle()


async def uploads(house: House, body: bytes, path: str = SPEECH, until: int | None = None, **fields: str) -> Visit:
    """Sends a form, or its first bytes."""
    visit = house.visit()
    begins(visit, path, len(body), **fields)
    await settle()
    await sends(visit, body[: ENOUGH + PIECE])
    await sends(visit, body[ENOUGH + PIECE : until])
    return visit


def arrived(visit: Visit, server: int = -1) -> bytes:
    """The body that a provider got so far."""
    return visit.sent[visit.servers[server]].partition(b"\r\n\r\n")[2]


@in_virtual_time
async def test_a_large_form_reaches_the_api_while_it_comes_as_it_was_sent(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = await uploads(house, BIG, until=-100)
        assert len(arrived(visit)) > 300 * KB
        await sends(visit, BIG[-100:])
        assert visit.asked().content == BIG
        assert visit.asked().headers["content-length"] == str(len(BIG))
        await visit.says(TEXT)
        assert visit.got.value == {"text": "Hello"}
        assert house.line.outcome == "ok"
        assert is_quiet(house)


@in_virtual_time
async def test_the_models_name_is_written_anew_and_the_length_with_it(tmp_path: Path) -> None:
    providers = API.replace("models: [m, n]", "models: {m: the-name-at-the-site}")
    body = form(200 * KB, part("provider", b"api"), M)
    async with House(tmp_path, providers, API_KEYS, LIMITS) as house:
        visit = await uploads(house, body)
        assert visit.asked().content == form(200 * KB, part("model", b"the-name-at-the-site"))
        assert visit.asked().headers["content-length"] == str(len(visit.asked().content))


@in_virtual_time
async def test_a_body_of_unknown_length_goes_on_in_chunks(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = house.visit()
        begins(visit, SPEECH, None)
        await settle()
        for piece in pieces(BIG):
            visit.client_sends(chunk(piece))
            await settle()
        visit.client_sends(END)
        await settle()
        sent = visit.sent[visit.servers[0]]
        head, _, body = sent.partition(b"\r\n\r\n")
        assert b"content-length" not in head.lower()
        assert b"transfer-encoding: chunked" in head.lower()
        assert len(body) > len(BIG)
        assert body.endswith(END)
        await visit.says(TEXT)
        assert visit.got.status == 200


@in_virtual_time
async def test_a_form_that_is_small_is_read_whole_and_goes_to_another_account(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        body = form(ENOUGH // 2, M)
        visit = await uploads(house, body)
        await visit.says(whole(500, {}))
        assert visit.asked().headers["authorization"] == "Bearer key-of-b-0123456789abcdef"
        assert visit.asked().content == body


@in_virtual_time
async def test_another_account_has_all_of_it_where_no_connection_was_made(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = house.visit()
        visit.connect_error = "connection refused"
        begins(visit, SPEECH, len(BIG))
        await settle()
        visit.hold = {"attempt_failed"}
        await sends(visit, BIG[: ENOUGH + PIECE])
        visit.connect_error, visit.hold = None, set()
        visit.complete()
        await settle()
        await sends(visit, BIG[ENOUGH + PIECE :])
        assert visit.asked().content == BIG
        assert visit.asked().headers["authorization"] == "Bearer key-of-b-0123456789abcdef"
        await visit.says(TEXT)
        assert visit.got.headers["x-glassgate-attempts"] == "2"


@pytest.mark.parametrize(
    ("status", "told", "retry"), [(401, 502, "true"), (413, 400, "false"), (429, 429, "true"), (500, 502, "true")]
)
@in_virtual_time
async def test_an_early_refusal_reaches_the_client_at_once(status: int, told: int, retry: str, tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = await uploads(house, BIG, until=200 * KB)
        await visit.says(whole(status, {"error": {"message": "no"}}, retry_after="9"))
        assert (visit.got.status, visit.got.headers["x-should-retry"]) == (told, retry)
        assert visit.got.error["message"]
        assert visit.got.headers["connection"] == "close"
        assert "retry-after" not in visit.got.headers
        assert visit.servers[0] in visit.closed
        assert len(visit.servers) == 1
        assert is_quiet(house)


@in_virtual_time
async def test_a_provider_that_breaks_off_in_the_middle_is_told_and_may_be_asked_again(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = await uploads(house, BIG, until=200 * KB)
        await visit.breaks()
        assert (visit.got.status, visit.got.headers["x-should-retry"]) == (502, "true")
        assert house.line.outcome == "failed"
        assert is_quiet(house)


@in_virtual_time
async def test_a_client_that_leaves_in_the_middle_ends_the_call(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = await uploads(house, BIG, until=200 * KB)
        await visit.leaves()
        assert visit.servers[0] in visit.closed
        assert house.line.outcome == "client_left"
        assert is_quiet(house)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param(form(384 * KB, behind=M), 413, "put `model` before the file", id="model behind the file"),
        pytest.param(
            form(384 * KB, M, behind=part("model", b"n")), 400, "model: stands behind a file", id="two models"
        ),
        pytest.param(form(384 * KB, M, behind=part("provider", b"x")), 400, "provider: stands behind", id="provider"),
        pytest.param(BIG[:-20], 400, "no whole multipart", id="a file without end"),
        pytest.param(BIG + b"x" * (200 * KB), 413, "limits.upload_mb", id="too large"),
        pytest.param(form(384 * KB, part("model", b"none")), 404, "none", id="a model that nobody serves"),
        pytest.param(
            form(384 * KB, M, behind=b'--b\nContent-Disposition: form-data; name="x"\r\n' + part("model", b"n")),
            400,
            "no whole multipart",
            id="a boundary hidden in a head",
        ),
    ],
)
@in_virtual_time
async def test_what_is_refused(body: bytes, status: int, words: str, tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = await uploads(house, body)
        assert visit.got.status == status
        assert words in visit.got.error["message"].replace("Put", "put")
        assert house.line.outcome == "refused"
        assert all(server in visit.closed for server in visit.servers)
        assert is_quiet(house)


@in_virtual_time
async def test_two_models_before_the_file_are_refused(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        visit = await uploads(house, form(200 * KB, part("Model", b"n"), M))
        assert (visit.got.status, visit.got.error["param"]) == (400, "model")
        assert not visit.servers


@in_virtual_time
async def test_a_file_without_a_model_goes_to_who_alone_serves_files(tmp_path: Path) -> None:
    async with House(tmp_path, API.replace("models:", "operations: [files], models:"), API_KEYS, LIMITS) as house:
        body = form(200 * KB, part("purpose", b"batch"))
        visit = await uploads(house, body, FILES)
        assert visit.asked().content == body


@in_virtual_time
async def test_pictures_are_passed_on_too(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS) as house:
        body = form(200 * KB, M, part("prompt", b"a cat")).replace(b'name="file"', b'name="image"')
        visit = await uploads(house, body, "/v1/images/edits", until=-100)
        assert arrived(visit) == body[:-100]


@in_virtual_time
async def test_of_a_large_upload_little_is_kept(tmp_path: Path) -> None:
    async with api(tmp_path, LIMITS + "\ninspect: {body_kb: 64}") as house:
        visit = await uploads(house, BIG)
        await visit.says(TEXT)
        await settle()
        flow = next(house.flows())
        assert len(flow.request.raw_content or b"") == 64 * 1024
        note = annotation_of(flow)
        assert note is not None
        assert (note.cut_request, note.uploaded_bytes) == (True, len(BIG))
        assert house.line.uploaded_bytes == len(BIG)


@in_virtual_time
async def test_no_secret_of_an_upload_is_kept_or_recorded(tmp_path: Path) -> None:
    key = API_KEYS["api", "a"]["api_key"].encode()
    body = form(200 * KB, M, part("prompt", key)) + key
    more = f"{LIMITS}\nrecord: {{enabled: true, folder: '{tmp_path / 'kept'}'}}"
    async with api(tmp_path, more) as house:
        visit = await uploads(house, body)
        assert visit.asked().content == body, "the API is told what its client says"
        await visit.says(whole(200, {"text": key.decode()}))
        await settle()
        flow = next(house.flows())
        assert key not in str(flow.get_state()).encode()
        assert b"~hidden~" in (flow.request.raw_content or b"")
        assert not any(key.decode() in line for line in house.said)
    recorded = [file.read_bytes() for file in (tmp_path / "kept").rglob("*") if file.is_file()]
    assert recorded
    assert not any(key in content for content in recorded)


@in_virtual_time
async def test_a_form_in_another_order_is_whole_up_to_the_limit_of_bodies(tmp_path: Path) -> None:
    """The Node SDK writes fields in the order of its object's."""
    async with api(tmp_path, LIMITS) as house:
        body = form(200 * KB, behind=M)
        visit = await uploads(house, body, until=-1)
        assert not visit.servers
        await sends(visit, body[-1:])
        await visit.says(whole(500, {}))
        assert visit.asked().headers["authorization"] == "Bearer key-of-b-0123456789abcdef"
        assert visit.asked().content == body


@in_virtual_time
async def test_a_key_is_refused_models_that_are_not_its_own_before_anybody_is_asked(tmp_path: Path) -> None:
    tokens = f"[{{key: {KEY}, models: [n]}}]"
    async with House(tmp_path, API, API_KEYS, LIMITS, tokens=tokens) as house:
        visit = await uploads(house, BIG)
        assert (visit.got.status, visit.servers) == (403, [])
        visit = await uploads(house, form(384 * KB, part("model", b"n"), behind=M))
        assert visit.got.status == 400
        assert visit.servers[0] in visit.closed


@pytest.mark.parametrize(("kind", "takes"), [("qwen", False), ("zai", False), ("openai_compatible", True)])
def test_a_web_session_takes_no_form_as_it_is(kind: str, takes: bool) -> None:
    cls = provider_class(kind)
    needed = {} if cls.web_session else {"base_url": "https://api.example"}
    request = ImageRequest("m", "a cat", edits=True)
    provider = cls(kind, cls.Options.model_validate(needed))
    assert takes_as_it_is(provider, request) == (takes or provider.serving(request) is None)
