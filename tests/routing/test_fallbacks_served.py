"""Chains of fallback models through a gateway: which model is meant for which failure, and what is told."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.wall import Wall


def on(model: str, *causes: str) -> dict[str, Any]:
    return {"model": model, "on": list(causes)}


ALIASES = {
    "nick": "s04-nick",
    "own-chain": "s04-own",
    "a": "b",
    "b": "ok-alias",
    "round": "round-2",
    "round-2": "round",
}

CHAINS: dict[str, tuple[str, list[Any], str]] = {
    "a plain name stands in": ("s04-1", ["ok-1"], "ok-1"),
    "also for a model that is gone": ("s99-1", ["ok-1"], "ok-1"),
    "not for what is too long": ("s12-2", ["ok-2"], "400 context_length_exceeded"),
    "not for what is not wanted": ("s13-2", ["ok-2"], "403 content_filter"),
    "not for a request that is wrong": (
        "bad-2",
        [on("ok-2", "unavailable", "context", "content", "slow")],
        "400",
    ),
    "content has its own": ("s13-3", ["ok-3", on("ok-3b", "context"), on("ok-3c", "content")], "ok-3c"),
    "context has its own": ("s12-3", ["ok-3", on("ok-3b", "content"), on("ok-3c", "context")], "ok-3c"),
    "one for both": ("s13-4", [on("ok-4", "context", "content")], "ok-4"),
    "one for both, the other": ("s12-4", [on("ok-4", "context", "content")], "ok-4"),
    "only what it is meant for": ("s04-5", [on("ok-5", "context", "content")], "502 upstream_error"),
    "the first of its kind is out": ("s12-6", [on("s04-6", "context"), on("ok-6", "context")], "ok-6"),
    "it is not left for a plain one": ("s12-7", [on("s04-7", "context"), "ok-7"], "400 context_length_exceeded"),
    "a stand-in finds it too long": ("s04-8", ["s12-8", on("ok-8", "context")], "ok-8"),
    "a stand-in does not want it": ("s12-9", [on("s13-9", "context"), on("ok-9", "content")], "ok-9"),
    "all of them refuse": ("s12-10", [on("s13-10", "context"), on("s12-10b", "content")], "400"),
    "a stand-in's bad request": ("s04-11", ["bad-11", "ok-11"], "ok-11"),
    "it hides nothing": ("s04-12", ["bad-12"], "502 upstream_error"),
    "nor does too long": ("s04-13", ["s12-13"], "502 upstream_error"),
    "two models in a circle": ("s04-14", ["s04-14b"], "502 upstream_error"),
    "itself": ("s04-15", ["s04-15", "wall/s04-15", "S04-15"], "502 upstream_error"),
    "twice the same": ("s04-16", ["s04-16b", "s04-16b", "ok-16"], "ok-16"),
    "names nobody serves": ("s04-17", ["nobody", "wall/nobody", "round", "ok-17"], "ok-17"),
    "provider/model": ("s04-18", ["wall/ok-18"], "ok-18"),
    "an alias of an alias": ("s04-19", ["a"], "ok-alias"),
    "nobody at all": ("s04-20", [], "502 upstream_error"),
    "a slow model": ("s07-21", [on("ok-21", "slow")], "ok-21"),
    "slow, and the one for it is out": ("s07-22", [on("s04-22", "slow")], "s07-22"),
    "slow, and the one for it refuses": ("s07-23", [on("s12-23", "slow")], "s07-23"),
    "slow for ever": ("s06-24", [on("s04-24", "slow"), "ok-24"], "ok-24"),
    "slow for ever, and all are out": ("s06-32", [on("s04-32", "slow")], "504 upstream_timeout"),
    "slow with nobody for it": ("s07-25", ["ok-25"], "s07-25"),
    "another model of the same key": ("spent-26", ["wall/ok-26", "apart/ok-26"], "ok-26"),
    "filtered before a word": ("filtered-28", [on("ok-28", "content")], "ok-28"),
    "filtered, and by the next too": ("filtered-29", [on("filtered-29b", "content"), on("ok-29", "content")], "ok-29"),
    "no window before a word": ("window-30", [on("ok-30", "context")], "ok-30"),
    "no window, nobody for it": ("window-31", ["ok-31"], "400 context_length_exceeded"),
    "the same key is not known": ("key-27", ["apart/ok-27"], "ok-27"),
}
OWN = {
    "filtered-29c": ["ok-29"],
    "own-chain": ["ok-own"],
    "s04-own": ["ok-not-this"],
    "s04-nick": ["ok-nick"],
    "s04-14b": ["s04-14"],
}


def _names(entries: dict[str, list[Any]]) -> Iterator[str]:
    for model, chain in entries.items():
        yield model
        yield from (entry if isinstance(entry, str) else entry["model"] for entry in chain)


@pytest.fixture(scope="module")
def wall() -> Iterator[Sites]:
    with Sites((), own={"wall": Wall()}) as sites:
        yield sites


@pytest.fixture(scope="module")
def gateway(wall: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("chains")
    chains = {asked: chain for asked, chain, _ in CHAINS.values()} | OWN
    known = {"nobody", "own-chain", *ALIASES}
    served = {name.partition("/")[2] or name for name in _names(chains)} - known | {"ok-alias"}
    models = sorted(served - {name for name in served if name.casefold() != name} - {"nobody"})
    url = wall.description()["base_urls"]["wall"]
    entry = {"type": "openai_compatible", "base_url": f"{url}/v1", "accounts": [{"name": "key"}]}
    providers = {
        "wall": {**entry, "models": [model for model in models if model != "key-27"]},
        "locked": {**entry, "models": ["key-27"]},
        "apart": {**entry, "models": [model for model in models if model.startswith("ok-")]},
    }
    gateway = Served(
        folder,
        wall,
        providers=providers,
        models={"aliases": ALIASES},
        routing={"fallbacks": chains},
        timeouts={"slow_s": 0.2, "first_token_s": 1.5, "first_token_thinking_s": 1.5},
        **NO_REST,
    )
    for name in providers:
        gateway.vault.put(name, "key", wall.site("wall").session())
    with gateway:
        yield gateway


def ask(gateway: Served, model: str, *, stream: bool = True) -> httpx.Response:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    return gateway.post(body)


@pytest.mark.parametrize(("asked", "chain", "expected"), CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_who_answers(gateway: Served, asked: str, chain: list[Any], expected: str, stream: bool) -> None:
    """`expected`: the model that answers, or the status and code that the client is told."""
    if "07" in asked and not stream:
        expected = asked  # a whole answer is never slow
    answer = ask(gateway, asked, stream=stream)
    if not expected[0].isdigit():
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-glassgate-model"] == expected
        assert ("data: [DONE]" in answer.text) is stream
        return
    status, *code = expected.split(" ")
    error = answer.json()["error"]
    assert str(answer.status_code) == status, answer.text
    assert code in ([], [error["code"]])
    assert error["message"].startswith("[wall/key]")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_an_answer_has_no_limits_and_no_id_of_who_refused_before(gateway: Served, stream: bool) -> None:
    refused = ask(gateway, "s12-2", stream=stream).headers
    assert (refused["x-glassgate-upstream-request-id"], refused["x-ratelimit-limit-requests"]) == ("refused-1", "5")
    answered = ask(gateway, "s12-3", stream=stream).headers
    assert answered["x-glassgate-model"] == "ok-3c"
    assert not {"x-glassgate-upstream-request-id", "x-ratelimit-limit-requests"} & set(answered)


def test_a_circle_is_gone_round_once(gateway: Served, wall: Sites) -> None:
    attempts = wall.site("wall").attempts
    attempts.clear()
    assert ask(gateway, "s04-14").status_code == 502
    assert attempts == {"s04-14": 1, "s04-14b": 1}


@pytest.mark.parametrize(("stream", "times"), [(True, 2), (False, 1)], ids=["stream", "whole"])
def test_what_is_given_up_as_slow_is_asked_once_more_with_all_its_time(
    gateway: Served, wall: Sites, stream: bool, times: int
) -> None:
    """A whole answer had all of it at once."""
    attempts = wall.site("wall").attempts
    attempts.clear()
    assert ask(gateway, "s06-32", stream=stream).status_code == 504
    assert attempts == {"s06-32": times, "s04-32": 1}


def test_a_stand_in_that_is_the_model_itself_is_no_stand_in(gateway: Served, wall: Sites) -> None:
    attempts = wall.site("wall").attempts
    attempts.clear()
    assert ask(gateway, "s04-15").headers["x-glassgate-attempts"] == "1"
    assert attempts == {"s04-15": 1}


@pytest.mark.parametrize(
    ("asked", "answers"),
    [("nick", "ok-nick"), ("NICK ", "ok-nick"), ("wall/s04-nick", "ok-nick"), ("own-chain", "ok-own")],
)
def test_a_chain_holds_for_every_name_of_its_model(gateway: Served, asked: str, answers: str) -> None:
    """An alias with a chain of its own has that one."""
    assert ask(gateway, asked).headers["x-glassgate-model"] == answers


def test_a_filter_before_the_first_word_is_an_end_where_no_model_stands_in(gateway: Served) -> None:
    answer = ask(gateway, "filtered-29c", stream=False)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("name", ["round", "wall/nobody", "wall/", "/ok-1", "nobody/ok-1", "wall/wall/ok-1", ""])
def test_names_that_stand_for_nothing(gateway: Served, name: str) -> None:
    assert ask(gateway, name).status_code in (400, 404)


def test_the_list_and_its_entries(gateway: Served) -> None:
    def get(path: str) -> httpx.Response:
        return gateway.get(f"/v1/{path}")

    listed = [entry["id"] for entry in get("models").json()["data"]]
    assert len(listed) == len(set(listed))
    assert {"nick", "a", "b"} <= set(listed)
    assert not {"round", "round-2"} & set(listed), "a circle serves nobody"
    for name in ("nick", "a", "wall/ok-1", "wall%2Fok-1"):
        assert get(f"models/{name}").json()["object"] == "model"
    assert get("models/a").json()["id"] == "a"
    assert get("models/round").status_code == 404
