"""Requests that go on from an answer that was kept, and requests that one account alone can take."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from addons.config.client_keys import digest_of
from addons.dialects import registry
from addons.dialects.base import ParsedRequest
from addons.dialects.body import Reading
from addons.exchange.kept_answers import KeepsAnswer
from addons.kept.items import KeptStore
from providers.contract.events import Event, Finish, Issued, Revoked, Text
from tests.exchange.answers import DOWN, limited
from tests.support.answers import DONE, FINISH, STREAM, answer, word
from tests.support.harness import House, api, is_quiet
from tests.support.talking import PATH, KeptTalk, Talking
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Visit

OTHER = "sk-other-key-0123456789abcdef0123456789abcdef"
ALICE = ("api", "a")
BOB = ("api", "b")


@pytest.fixture(autouse=True)
def dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, Talking()))


def say(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def talks(house: House, text: str, **more: object) -> Visit:
    return await house.visit().asks({"model": "m", "messages": say(text), **more}, PATH)


async def answered(house: House, text: str, back: str, **more: object) -> str:
    """The id of an answer that was given."""
    visit = await talks(house, text, **more)
    await visit.says(answer(back))
    assert visit.got.status == 200
    return kept_as(visit)


def kept_as(visit: Visit) -> str:
    """The id of its answer; an official API's own stands in a chat."""
    return f"talk-{visit.got.headers['x-request-id']}"


def sent(visit: Visit) -> list[tuple[str, str]]:
    """Who says what in what the provider was sent."""
    messages = json.loads(visit.asked().content)["messages"]
    return [(message["role"], message["content"]) for message in messages]


@in_virtual_time
async def test_what_was_said_before_is_put_before_the_new_turn(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        first = await answered(house, "one", "two")
        second = await answered(house, "three", "four", previous=first)
        third = await talks(house, "five", previous=second)
        assert sent(third) == [
            ("user", "one"),
            ("assistant", "two"),
            ("user", "three"),
            ("assistant", "four"),
            ("user", "five"),
        ]
        branch = await talks(house, "else", previous=first)
        assert sent(branch) == [("user", "one"), ("assistant", "two"), ("user", "else")]


@in_virtual_time
async def test_a_streams_answer_can_be_gone_on_from_before_its_client_has_the_end(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await talks(house, "one", stream=True)
        visit.hold.add("response")
        await visit.says(STREAM, word("two"), FINISH, DONE)
        assert sent(await talks(house, "three", previous=kept_as(visit))) == [
            ("user", "one"),
            ("assistant", "two"),
            ("user", "three"),
        ]


@in_virtual_time
async def test_a_client_that_leaves_behind_the_end_has_its_answer_kept(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await talks(house, "one", stream=True)
        await visit.says(STREAM, word("two"), FINISH, DONE)
        await visit.leaves()
        assert (await talks(house, "three", previous=f"talk-{house.line.id}")).requests


@pytest.mark.parametrize("how", ["breaks", "leaves"])
@in_virtual_time
async def test_an_answer_that_was_cut_is_not_kept(tmp_path: Path, how: str) -> None:
    async with api(tmp_path) as house:
        visit = await talks(house, "one", stream=True)
        await visit.says(STREAM, word("tw"))
        await getattr(visit, how)()
        assert (await talks(house, "three", previous=f"talk-{house.line.id}")).got.status == 400


@in_virtual_time
async def test_of_an_answer_that_was_retried_the_whole_one_is_kept_once(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await talks(house, "one")
        await visit.says(DOWN)
        await visit.says(answer("two"))
        second = await talks(house, "three", previous=kept_as(visit))
        assert sent(second) == [("user", "one"), ("assistant", "two"), ("user", "three")]
        await second.says(DOWN)
        assert sent(second) == [("user", "one"), ("assistant", "two"), ("user", "three")]
        assert len(house.parts.context.kept.answers) == 1


async def refused_as_unknown(house: House, previous: str, key: str = KEY) -> Any:
    visit = house.visit()
    await visit.asks({"model": "m", "messages": say("x"), "previous": previous}, PATH, authorization=f"Bearer {key}")
    assert not visit.requests
    assert visit.got.status == 400
    error = visit.got.error
    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
    assert (house.line.outcome, house.line.status) == ("refused", 400)
    return error["message"].replace(previous, "ID")


@in_virtual_time
async def test_another_keys_answer_is_refused_in_the_words_of_one_that_never_was(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        house.write(tokens=f"[{KEY}, {OTHER}]")
        await house.pass_s(3)
        first = await answered(house, "one", "two")
        unknown = await refused_as_unknown(house, "talk-made-up")
        assert await refused_as_unknown(house, first, OTHER) == unknown
        theirs = await house.visit().asks(None, f"{PATH}/{first}", "GET", authorization=f"Bearer {OTHER}")
        nobodys = await house.visit().asks(None, f"{PATH}/made-up", "GET")
        assert (theirs.got.status, theirs.got.body) == (nobodys.got.status, nobodys.got.body)
        deleted = await house.visit().asks(None, f"{PATH}/{first}", "DELETE", authorization=f"Bearer {OTHER}")
        assert deleted.got.value == {"deleted": False}
        assert (await talks(house, "three", previous=first)).requests


@in_virtual_time
async def test_one_that_is_not_to_be_kept_is_not(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        await refused_as_unknown(house, await answered(house, "one", "two", store=False))
        assert len(house.parts.context.kept.answers) == 0


@in_virtual_time
async def test_one_that_was_deleted_is_unknown_and_who_had_it_already_goes_on(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        first = await answered(house, "one", "two")
        under_way = await talks(house, "three", previous=first)
        gone = await house.visit().asks(None, f"{PATH}/{first}", "DELETE")
        assert gone.got.value == {"deleted": True}
        await refused_as_unknown(house, first)
        await under_way.says(answer("four"))
        second = kept_as(under_way)
        assert sent(await talks(house, "five", previous=second))[:2] == [("user", "one"), ("assistant", "two")]


@in_virtual_time
async def test_a_long_odd_id_is_told_short_and_clean(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        message = await refused_as_unknown(house, "../\x1b[31m" + "x" * 5000)
        assert len(message) < 400
        assert "\x1b" not in message


@in_virtual_time
async def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        first = await answered(house, "one", "two")
        lies(house, "file", "file-1", BOB)
    assert KEY.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "s" / "kept").iterdir())
    async with api(tmp_path) as house:
        assert sent(await talks(house, "three", previous=first))[:2] == [("user", "one"), ("assistant", "two")]
        assert asked_at(await talks(house, "x", names={"file": "file-1"})) == ["b"]
        assert not any("resp" in line or first in line for line in house.said)


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while nobody runs"])
@in_virtual_time
async def test_another_data_key_of_the_vault(tmp_path: Path, running: bool) -> None:
    async with api(tmp_path) as house:
        first = await answered(house, "one", "two")
        await house.pass_s(3)
        if running:
            house.vault.rotate_data_key()
            await house.pass_s(6)
    if not running:
        house.vault.rotate_data_key()
    async with api(tmp_path) as house:
        if running:
            assert (await talks(house, "three", previous=first)).requests
        else:
            await refused_as_unknown(house, first)
            assert any("1 files in" in line and "of another vault key" in line for line in house.said)


@in_virtual_time
async def test_it_is_written_by_a_job_and_follows_the_configuration(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        first = await answered(house, "one", "two")
        assert not (tmp_path / "s" / "kept").exists()
        await house.pass_s(3)
        assert len(list((tmp_path / "s" / "kept").iterdir())) == 1
        house.write(more="kept: {mb: 0}")
        await house.pass_s(6)
        assert not list((tmp_path / "s" / "kept").iterdir())
        await refused_as_unknown(house, first)


@in_virtual_time
async def test_a_key_that_was_removed_reaches_nothing_and_comes_back_to_it(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        first = await answered(house, "one", "two")
        house.write(tokens=f"[{OTHER}]")
        await house.pass_s(3)
        await refused_as_unknown(house, first, OTHER)
        house.write(tokens=f"[{KEY}]")
        await house.pass_s(3)
        assert (await talks(house, "three", previous=first)).requests


# -- what lies at one account -----------------------------------------------------------------------------------------
def lies(house: House, kind: str, id: str, place: tuple[str, str]) -> None:
    assert house.parts.context.kept.of(digest_of(KEY)).put(kind, id, b"", place)


def asked_at(visit: Visit) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer key-of-")[0] for request in visit.requests]


@pytest.mark.parametrize("account", ["a", "b"])
@in_virtual_time
async def test_the_account_that_has_it_is_asked_alone(tmp_path: Path, account: str) -> None:
    async with api(tmp_path, "routing: {fallbacks: {m: [n]}}") as house:
        lies(house, "file", "file-1", ("api", account))
        visit = await talks(house, "one", names={"file": "file-1"})
        for _ in range(5):
            if visit.sent.get(visit.client):
                break
            await visit.says(DOWN)
            await house.pass_s(10)
        assert set(asked_at(visit)) == {account}
        got = visit.got
        assert got.status == 502
        assert got.headers["x-glassgate-account"] == f"api/{account}"
        assert f"lies at api/{account} alone" in got.error["message"]
        assert is_quiet(house)


@in_virtual_time
async def test_one_that_rests_is_told_and_nobody_else_is_asked(tmp_path: Path) -> None:
    async with api(tmp_path, "retries: {enabled: false}") as house:
        lies(house, "file", "file-1", BOB)
        first = await talks(house, "one", names={"file": "file-1"})
        await first.says(limited(300))
        second = await talks(house, "one", names={"file": "file-1"})
        assert not second.requests
        assert (second.got.status, second.got.headers["retry-after"]) == (429, "300")
        assert "lies at api/b alone" in second.got.error["message"]
        assert asked_at(await talks(house, "one")) == ["a"]


@in_virtual_time
async def test_an_answer_that_a_provider_keeps_is_gone_on_from_there(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        lies(house, "response", "resp_1", BOB)
        visit = await talks(house, "one", previous="resp_1")
        assert asked_at(visit) == ["b"]
        assert sent(visit) == [("user", "one")]


@in_virtual_time
async def test_it_is_not_asked_in_another_form_that_would_leave_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS[:-1], Talking(native=True)))
    async with api(tmp_path) as house:
        lies(house, "response", "resp_1", BOB)
        visit = await talks(house, "one", previous="resp_1")
        assert not visit.requests
        assert (visit.got.status, visit.got.error["code"]) == (400, "unsupported_parameter")
        assert "lies at api/b" in visit.got.error["message"]


@pytest.mark.parametrize(
    ("names", "status", "code"),
    [
        ({"file": "file-9"}, 404, "file_not_found"),
        ({"batch": "file-1"}, 404, "batch_not_found"),
        ({"file": "file-1", "batch": "batch-2"}, 400, None),
        ({"file": "file-gone"}, 404, "account_not_found"),
        ({"file": "file-elsewhere"}, 404, "account_not_found"),
    ],
    ids=["unknown", "of another kind", "at two", "of an account that is gone", "of a provider that is gone"],
)
@in_virtual_time
async def test_what_cannot_be_asked_anywhere(
    tmp_path: Path, names: dict[str, str], status: int, code: str | None
) -> None:
    async with api(tmp_path) as house:
        lies(house, "file", "file-1", ALICE)
        lies(house, "batch", "batch-2", BOB)
        lies(house, "file", "file-gone", ("api", "z"))
        lies(house, "file", "file-elsewhere", ("other", "a"))
        visit = await talks(house, "one", names=names)
        assert not visit.requests
        assert (visit.got.status, visit.got.error["code"]) == (status, code)


# -- what an answer leaves --------------------------------------------------------------------------------------------
class Plain:
    """An Encoder."""

    streaming, content_type, keepalive = False, "text/plain", b""

    def encode(self, events: Any) -> bytes:
        return b"x" * len(events)

    def error(self, error: Any) -> bytes:
        return b"broken"


def left(encoder: Any, *events: Event) -> Any:
    kept = KeptStore().of(b"ada")
    keeping = KeepsAnswer(encoder, kept, "talk-1", ALICE)
    assert (keeping.streaming, keeping.content_type, keeping.keepalive) == (False, "text/plain", b"")
    for event in events:
        assert keeping.encode([event]) == b"x"
    return kept


def test_an_id_of_the_provider_is_bound_to_its_account_once_the_answer_is_whole() -> None:
    issued = (Issued("file", "file-1"), Issued("file", "file-2"))
    kept = left(Plain(), Text("a"), *issued)
    assert kept.place("file", "file-1") is None
    kept = left(Plain(), Text("a"), *issued, Finish("stop"))
    assert kept.place("file", "file-1") == kept.place("file", "file-2") == ALICE
    assert kept.get("response", "talk-1") is None
    assert left(Plain(), Finish("stop")).ids("response") == []


@pytest.mark.parametrize("keeping", [False, True], ids=["its document", "what the encoder makes of it"])
def test_an_answer_that_the_provider_keeps_has_its_own_id(keeping: bool) -> None:
    encoder: Any = KeptTalk(Plain(), say("one")) if keeping else Plain()
    kept = left(encoder, Text("two"), Issued("response", "resp_1", b'{"id": 1}'), Finish("stop"))
    assert kept.ids("response") == ["resp_1"]
    assert kept.place("response", "resp_1") == ALICE
    made = json.dumps([*say("one"), {"role": "assistant", "content": "two"}]).encode()
    assert kept.get("response", "resp_1") == (made if keeping else b'{"id": 1}')


@pytest.mark.parametrize("place", [None, BOB], ids=["the gateway's", "another account's"])
@pytest.mark.parametrize("event", [Issued("file", "1"), Issued("file", "1", b"mine"), Revoked("file", "1")], ids=str)
def test_no_provider_takes_over_what_is_anothers(event: Event, place: tuple[str, str] | None) -> None:
    kept = KeptStore().of(b"ada")
    kept.put("file", "1", b"theirs", place)
    KeepsAnswer(Plain(), kept, "talk-1", ALICE).encode([event, Finish("stop")])
    assert (kept.get("file", "1"), kept.place("file", "1")) == (b"theirs", place)


def test_a_provider_tells_anew_of_what_is_its_own_and_takes_it_back() -> None:
    kept = KeptStore().of(b"ada")
    for event, value in (
        (Issued("batch", "1", b"a"), b"a"),
        (Issued("batch", "1", b"b"), b"b"),
        (Revoked("batch", "1"), None),
    ):
        KeepsAnswer(Plain(), kept, "talk-1", ALICE).encode([event, Finish("stop")])
        assert kept.get("batch", "1") == value


@pytest.mark.parametrize("keeping", [False, True])
def test_an_answer_that_a_provider_has_but_named_is_kept_here_alone(keeping: bool) -> None:
    encoder: Any = KeptTalk(Plain(), say("one")) if keeping else Plain()
    kept = left(encoder, Text("two"), Issued("response", "resp_1", there=False), Finish("stop"))
    assert kept.ids("response") == (["resp_1"] if keeping else [])
    assert kept.place("response", "resp_1") is None


def test_an_error_is_the_encoders_own() -> None:
    keeping = KeepsAnswer(Plain(), KeptStore().of(b"ada"), "talk-1", ALICE)
    assert keeping.error(None) == b"broken"  # type: ignore[arg-type]


@pytest.mark.parametrize(("words", "turns"), [(10, [0, 0, 0]), (200_000, [0, 1, 2])], ids=["small", "big"])
@in_virtual_time
async def test_a_big_conversation_is_put_before_it_in_turns_with_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: int, turns: list[int]
) -> None:
    seen: list[int] = []
    others: list[int] = []

    def going_on(_: object, parsed: ParsedRequest, __: bytes) -> Reading[ParsedRequest]:
        for number in range(3):
            asyncio.get_running_loop().call_soon(others.append, number)
            seen.append(len(others))
            yield
        return parsed

    async with api(tmp_path) as house:
        first = await answered(house, "x" * words, "two")
        monkeypatch.setattr(Talking, "going_on", going_on)
        await talks(house, "three", previous=first)
        assert seen == turns
