"""A key's models, attacked: no list of any form shows another, and no spelling, field or kept answer leads to one."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.answers import DONE, FINISH, STREAM, frame, word
from tests.support.harness import House, api
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Got

ADA: Final = "sk-ada-0123456789abcdef0123456789abcdef"
BOB: Final = "sk-bob-0123456789abcdef0123456789abcdef"
MORE: Final = "models: {aliases: {fast: n, good: m}}\nrouting: {fallbacks: {m: [n], good: [n]}}"
SAID: Final = [{"role": "user", "content": "Hi"}]

FORMS: Final[dict[str, dict[str, Any]]] = {
    "/v1/chat/completions": {"messages": SAID},
    "/v1/completions": {"prompt": "Hi"},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"max_tokens": 5, "messages": SAID},
    "/anthropic/v1/messages": {"max_tokens": 5, "messages": SAID},
    "/v1/embeddings": {"input": "Hi"},
    "/v1/images/generations": {"prompt": "Hi"},
    "/v1/moderations": {"input": "Hi"},
    "/v1/audio/speech": {"input": "Hi", "voice": "alloy"},
}
SPELLINGS: Final = ("n", "N", " n ", "fast", "FAST", "api/n", "API/N")


def house_of(folder: Path) -> House:
    """Ada may ask m alone, Bob all."""
    house = api(folder, MORE)
    house.tokens = f"[{{name: ada, key: {ADA}, models: [M]}}, {{name: bob, key: {BOB}}}]"
    return house


async def asked(
    house: House, path: str, body: object = None, *, key: str = ADA, method: str = "", **fields: str
) -> Got:
    visit = house.visit()
    await visit.asks(body, path, method or ("GET" if body is None else "POST"), authorization=f"Bearer {key}", **fields)
    assert not visit.requests, "nobody is asked"
    return visit.got


def refused(got: Got, path: str) -> bool:
    """Whether it is the 403 of a model that is not allowed, in the form of that path's clients."""
    error, told = got.value["error"], got.value
    assert "'ada' may" in error["message"], error
    if "messages" in path or "anthropic" in path:
        return (got.status, told["type"], error["type"]) == (403, "error", "permission_error")
    return (got.status, error["code"], error["type"]) == (403, "model_not_allowed", "permission_error")


# -- lists ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/models", {}),
        ("/models", {}),
        ("/v1/models?all=true", {}),
        ("/v1/models?client_version=0.50", {}),
        ("/v1/models?client_version=0.50&all=true", {}),
        ("/v1/models", {"anthropic_version": "2023-06-01"}),
        ("/v1/models?limit=1000", {"anthropic_version": "2023-06-01"}),
        ("/v1/models?after_id=m", {"anthropic_version": "2023-06-01"}),
        ("/v1/models?after_id=n", {"anthropic_version": "2023-06-01"}),
        ("/anthropic/v1/models", {}),
    ],
    ids=lambda found: found if isinstance(found, str) else "-".join(found),
)
@in_virtual_time
async def test_no_list_shows_another_model(tmp_path: Path, path: str, fields: dict[str, str]) -> None:
    async with house_of(tmp_path) as house:
        mine, all_of_them = [(await asked(house, path, key=key, **fields)).value for key in (ADA, BOB)]
        names = {one.get("id") or one["slug"] for one in [*mine["data"], *mine.get("models", ())]}
        assert names <= {"m", "good"}
        assert "fast" not in json.dumps(mine)
        if "after_id" not in path:
            assert names == {"m", "good"}
            assert {one["id"] for one in all_of_them["data"]} == {"m", "n", "fast", "good"}


@pytest.mark.parametrize("form", ["/v1/models", "/anthropic/v1/models"])
@in_virtual_time
async def test_no_other_model_is_told_of_by_its_name(tmp_path: Path, form: str) -> None:
    async with house_of(tmp_path) as house:
        for name in ("n", "N", "fast", "FAST", "api/n", "API/N", "%6e", "api%2Fn"):
            assert refused(await asked(house, f"{form}/{name}"), form), name
        for name in ("m", "M", "good", "GOOD"):
            assert (await asked(house, f"{form}/{name}")).status == 200


# -- requests ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", FORMS)
@in_virtual_time
async def test_no_spelling_of_a_name_leads_to_another_model(tmp_path: Path, path: str) -> None:
    async with house_of(tmp_path) as house:
        for name in SPELLINGS:
            assert refused(await asked(house, path, {**FORMS[path], "model": name}), path), name


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize(
    "more",
    [{"models": ["n"]}, {"models": ["m", "n"]}, {"fallbacks": [{"model": "n"}]}, {"preset": "mine"}],
    ids=lambda more: "-".join(more),
)
@in_virtual_time
async def test_no_list_of_models_to_fall_back_on_is_passed_on(tmp_path: Path, path: str, more: dict[str, Any]) -> None:
    async with house_of(tmp_path) as house:
        got = await asked(house, path, {**FORMS[path], "model": "m", **more})
        assert refused(got, path)


# -- kept answers -----------------------------------------------------------------------------------------------------
async def answered_id(house: House, key: str, model: str = "m") -> str:
    """The id of an answer that is kept for the key."""
    visit = house.visit()
    await visit.asks({"model": model, "input": "a word of mine"}, "/v1/responses", authorization=f"Bearer {key}")
    await visit.says(STREAM, frame(word("yes")), frame(FINISH), DONE)
    assert visit.got.status == 200, visit.got.body
    return str(visit.got.value["id"])


@in_virtual_time
async def test_a_kept_answer_is_no_way_to_another_model(tmp_path: Path) -> None:
    """Neither one's own nor another's."""
    async with house_of(tmp_path) as house:
        own, others = await answered_id(house, ADA), await answered_id(house, BOB, "n")
        for previous in (own, others, "resp_made-up"):
            for name in SPELLINGS:
                body = {"model": name, "input": "on", "previous_response_id": previous}
                got = await asked(house, "/v1/responses", body)
                unknown = got.status == 400 and got.value["error"]["code"] == "previous_response_not_found"
                assert unknown if previous != own else refused(got, "/v1/responses"), (previous, name)


@in_virtual_time
async def test_a_kept_answer_is_seen_by_its_key_alone(tmp_path: Path) -> None:
    """Whatever is asked of it, the answer is the one about an id that never was, also in its length."""
    async with house_of(tmp_path) as house:
        theirs = await answered_id(house, BOB)
        made_up = theirs[:-4] + ("aaaa" if theirs[-4:] != "aaaa" else "bbbb")
        for method, path, body in (
            ("GET", "/v1/responses/ID", None),
            ("GET", "/v1/responses/ID/input_items", None),
            ("POST", "/v1/responses/ID/cancel", {}),
            ("POST", "/v1/responses", {"model": "m", "input": "on", "previous_response_id": "ID"}),
            ("POST", "/v1/responses/input_tokens", {"model": "m", "input": "on", "previous_response_id": "ID"}),
            ("DELETE", "/v1/responses/ID", None),
        ):
            told = []
            for id in (theirs, made_up):
                sent = json.loads(json.dumps(body).replace("ID", id))
                got = await asked(house, path.replace("ID", id), sent, method=method)
                told.append((got.status, got.body.replace(id.encode(), b"ID")))
            assert told[0] == told[1], (method, path)
            assert told[0][0] in (400, 404), (method, path)
        assert (await asked(house, f"/v1/responses/{theirs}", key=BOB)).status == 200
