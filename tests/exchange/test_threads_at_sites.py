"""Threads, stops and what they hold, at sites that keep their own rules of parents: Z.AI and Qwen."""

from collections.abc import Iterator
from typing import Any

import pytest

from addons.dialects import registry
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.talking import PATH, Talking

MODELS = {"zai": "GLM-4.6", "qwen": "qwen3.7-plus", "longcat": "LongCat-Flash"}
NAMED = [{"role": "user", "content": "My name is Ada."}]


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites(tuple(MODELS)) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("threads"), sites, **NO_REST) as running:
        yield running


def completions(sites: Sites, name: str) -> list[dict[str, Any]]:
    """The bodies that a site was asked for answers with."""
    found = [one for one in sites.site(name).requests if one.path.endswith(("completions", "completion-V2"))]
    return [one.json() for one in found]


def asked(gateway: Served, name: str, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation with its answer."""
    answer = gateway.post({"model": MODELS[name], "messages": messages})
    assert answer.status_code == 200, answer.text
    return [*messages, answer.json()["choices"][0]["message"]]


def prompts(bodies: list[dict[str, Any]]) -> list[str]:
    return [str(one["messages"][0]["content"]) for one in bodies]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


@pytest.mark.parametrize("name", ["zai", "qwen"])
def test_a_model_remembers_what_stands_in_its_chat_alone(gateway: Served, sites: Sites, name: str) -> None:
    before, chats = len(completions(sites, name)), len(sites.site(name).chats)
    said = asked(gateway, name, *NAMED)
    said = asked(gateway, name, *said, user("What is my name?"))
    assert "Ada" in said[-1]["content"]
    said = asked(gateway, name, *said, user("What is my name?"))
    assert "Ada" in said[-1]["content"]
    assert set(prompts(completions(sites, name)[before:])) == {"My name is Ada.", "What is my name?"}
    assert len(sites.site(name).chats) == chats + 1


@pytest.mark.parametrize("name", ["zai", "qwen"])
def test_a_chat_that_was_deleted_is_no_loss(gateway: Served, sites: Sites, name: str) -> None:
    said = asked(gateway, name, user("My name is Grace."))
    sites.site(name).chats.clear()
    said = asked(gateway, name, *said, user("What is my name?"))
    assert "Grace" in said[-1]["content"]
    assert "My name is Grace." in prompts(completions(sites, name))[-1]


def test_a_chat_of_another_kind_is_not_gone_on_with(gateway: Served, sites: Sites) -> None:
    said = asked(gateway, "qwen", user("My name is Emmy."))
    body = {"model": "qwen3.7-plus", "messages": [*said, user("What is my name?")], "web_search_options": {}}
    assert gateway.post(body).status_code == 200
    assert "My name is Emmy." in prompts(completions(sites, "qwen"))[-1]


@pytest.mark.parametrize("native", [False, True], ids=["a chat", "a form of its own"])
@pytest.mark.parametrize("name", ["zai", "qwen"])
def test_a_turn_by_the_id_of_the_answer_before_goes_on_in_its_chat(
    gateway: Served, sites: Sites, monkeypatch: pytest.MonkeyPatch, name: str, native: bool
) -> None:
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, Talking(native=native)))
    before, chats = len(completions(sites, name)), len(sites.site(name).chats)
    previous = None
    for text in (f"My name is Ida{native:d}.", "What is my name?", "What is my name?"):
        body = {"model": MODELS[name], "messages": [user(text)], "previous": previous}
        answer = gateway.post(body, PATH)
        assert answer.status_code == 200, answer.text
        previous = f"talk-{answer.headers['x-request-id']}"
    assert f"Ida{native:d}" in answer.json()["choices"][0]["message"]["content"]
    assert set(prompts(completions(sites, name)[before:])) == {f"My name is Ida{native:d}.", "What is my name?"}
    assert len(sites.site(name).chats) == chats + 1


def test_a_site_without_threads_is_sent_everything(gateway: Served, sites: Sites) -> None:
    said = asked(gateway, "longcat", *NAMED)
    asked(gateway, "longcat", *said, user("What is my name?"))
    assert "My name is Ada." in completions(sites, "longcat")[-1]["content"]


@pytest.mark.parametrize("name", ["zai", "qwen"])
def test_many_who_go_on_at_once_share_nothing(gateway: Served, sites: Sites, name: str) -> None:
    said = asked(gateway, name, user("My name is Mary."))
    bodies: list[dict[str, Any]] = [
        {"model": MODELS[name], "messages": [*said, user(f"My town is T{number}. What is my town?")]}
        for number in range(3)
    ]
    answers = gateway.at_once(bodies)
    for number, answer in enumerate(answers):
        assert f"T{number}" in answer.json()["choices"][0]["message"]["content"]
    told = [answer.json()["choices"][0]["message"] for answer in answers]
    later = [
        {**body, "messages": [*body["messages"], message, user("And what is my town?")]}
        for body, message in zip(bodies, told, strict=True)
    ]
    for number, answer in enumerate(gateway.at_once(later)):
        assert f"T{number}" in answer.json()["choices"][0]["message"]["content"]
    assert prompts(completions(sites, name))[-3:] == ["And what is my town?"] * 3


@pytest.mark.parametrize("name", ["zai", "qwen"])
def test_a_client_that_leaves_stops_its_site(gateway: Served, sites: Sites, name: str) -> None:
    site = sites.site(name)
    body = {"model": MODELS[name], "stream": True, "messages": [user("Hi\n!sandbox count=500 pace_ms=50")]}
    with gateway.stream(body) as answer:
        next(answer.iter_lines())
    gateway.pass_s(2)
    (stop,) = [one for one in site.requests if "/stop" in one.path]
    chat = completions(sites, name)[-1]
    if name == "zai":
        assert stop.path == f"/api/tasks/stop/{chat['id']}"
    else:
        assert stop.json()["chat_id"] == stop.query["chat_id"] == chat["chat_id"]
        assert site.chats[chat["chat_id"]].stops == [stop.json()["response_id"]]
        assert not site.busy


def test_who_answers_before_the_site_has_ended_goes_on_all_the_same(gateway: Served, sites: Sites) -> None:
    site = sites.site("qwen")
    said = asked(gateway, "qwen", user("My name is Hedy."))
    chat = site.chats[completions(sites, "qwen")[-1]["chat_id"]]
    chat.busy = True
    before = len(completions(sites, "qwen"))
    answer = gateway.begin({"model": MODELS["qwen"], "messages": [*said, user("What is my name?")]})
    gateway.pass_s(1)
    chat.busy = False
    assert "Hedy" in answer().json()["choices"][0]["message"]["content"]
    assert prompts(completions(sites, "qwen")[before:]) == ["What is my name?"] * 2


def test_a_chat_that_stays_busy_is_left(gateway: Served, sites: Sites) -> None:
    site = sites.site("qwen")
    said = asked(gateway, "qwen", user("My name is Joan."))
    chat = site.chats[completions(sites, "qwen")[-1]["chat_id"]]
    gateway.pass_s(1)
    chat.busy = True
    before = len(completions(sites, "qwen"))
    said = asked(gateway, "qwen", *said, user("What is my name?"))
    assert "Joan" in said[-1]["content"]
    assert prompts(completions(sites, "qwen")[before:])[:2] == ["What is my name?"] * 2
    assert len(completions(sites, "qwen")) == before + 3
