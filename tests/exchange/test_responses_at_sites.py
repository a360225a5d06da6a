"""The Responses form by `previous_response_id`, with the SDK: at sites with chats of their own, at official APIs."""

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY

TURNS: Any = {"routing": {"strategy": "round_robin"}}
OTHER = "sk-other-key-0123456789abcdef0123456789abcdef"
MODELS = {"zai": "GLM-4.6", "qwen": "qwen3.7-plus"}
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}

type Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites((*MODELS, "openai")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    official = {"operations": ["chat", "responses", "files"], "accounts": [{"name": "demo"}, {"name": "other"}]}
    keys = {"auth": {"tokens": [KEY, OTHER]}}
    served = Served(
        tmp_path_factory.mktemp("responses"), sites, providers={"official": official}, **TURNS, **NO_REST, **keys
    )
    served.vault.put("official", "other", sites.description()["sessions"]["openai"])
    with served as running:
        yield running


@pytest.fixture(params=["whole", "stream"])
def ask(request: pytest.FixtureRequest, gateway: Served) -> Ask:
    """Asks for a response, and gives it."""
    sdk = gateway.sdk()

    def asked(**fields: Any) -> Any:
        gateway.pass_s(3)  # a person's pace: the site has ended the answer before
        if request.param == "whole":
            return sdk.responses.create(**fields)
        with sdk.responses.stream(**fields) as stream:
            for _ in stream:
                pass
            return stream.get_final_response()

    return asked


def prompts(sites: Sites, name: str) -> list[str]:
    """What a site was asked, in order."""
    found = [one for one in sites.site(name).requests if one.path.endswith("completions")]
    return [str(one.json()["messages"][0]["content"]) for one in found]


def turns(ask: Ask, name: str, *texts: str) -> Any:
    """The last answer of a conversation of which each turn names the answer before."""
    said = ask(model=MODELS[name], input=texts[0])
    for text in texts[1:]:
        said = ask(model=MODELS[name], input=text, previous_response_id=said.id)
    return said


@pytest.mark.parametrize("name", MODELS)
def test_each_turn_goes_on_in_the_sites_chat(ask: Ask, sites: Sites, name: str) -> None:
    before, chats = len(prompts(sites, name)), len(sites.site(name).chats)
    said = turns(ask, name, "My name is Ida.", "What is my name?", "And what is my name?")
    assert "Ida" in said.output_text
    assert prompts(sites, name)[before:] == ["My name is Ida.", "What is my name?", "And what is my name?"]
    assert len(sites.site(name).chats) == chats + 1


@pytest.mark.parametrize("name", MODELS)
def test_a_tools_result_goes_on_in_the_sites_chat(ask: Ask, sites: Sites, name: str) -> None:
    before, chats = len(prompts(sites, name)), len(sites.site(name).chats)
    said = ask(model=MODELS[name], input="What is the weather in Rome?", tools=[TOOL])
    (call,) = [item for item in said.output if item.type == "function_call"]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 21 degrees"}
    said = ask(model=MODELS[name], input=[result], tools=[TOOL], previous_response_id=said.id)
    assert "sunny" in said.output_text
    _, second = prompts(sites, name)[before:]
    assert "sunny" in second
    assert "Rome" not in second
    assert len(sites.site(name).chats) == chats + 1


@pytest.mark.parametrize("name", MODELS)
def test_a_branch_has_what_was_said_before_it_alone(ask: Ask, sites: Sites, name: str) -> None:
    first = ask(model=MODELS[name], input="My name is Ada.")
    ask(model=MODELS[name], input="Now my name is Bob.", previous_response_id=first.id)
    branch = ask(model=MODELS[name], input="What is my name?", previous_response_id=first.id)
    assert "Ada" in branch.output_text
    assert "Bob" not in prompts(sites, name)[-1]


def test_instructions_are_of_one_turn(ask: Ask, sites: Sites) -> None:
    first = ask(model="GLM-4.6", input="My name is Ada.", instructions="Be a pirate.")
    ask(model="GLM-4.6", input="What is my name?", previous_response_id=first.id)
    assert "pirate" in prompts(sites, "zai")[-2]
    assert "pirate" not in prompts(sites, "zai")[-1]
    assert "Ada" in prompts(sites, "zai")[-1]


def test_what_is_kept_is_given_again_until_it_is_deleted(ask: Ask, gateway: Served) -> None:
    sdk = gateway.sdk()
    said = turns(ask, "zai", "My name is Ida.", "What is my name?")
    assert sdk.responses.retrieve(said.id).output_text == said.output_text
    items: Any = sdk.responses.input_items.list(said.id, order="asc").data
    assert [item.role for item in items] == ["user", "assistant", "user"]
    sdk.responses.delete(said.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(said.id)
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="GLM-4.6", input="x", previous_response_id=said.id)
    assert (refused.value.code, refused.value.param) == ("previous_response_not_found", "previous_response_id")


# -- official APIs, which keep answers themselves ---------------------------------------------------------------------
def raw(gateway: Served, **fields: Any) -> Any:
    """The answer with its head."""
    gateway.pass_s(1)
    return gateway.sdk().responses.with_raw_response.create(model="sandbox-large", **fields)


def asked(sites: Sites) -> Any:
    """What the official API was sent last."""
    return [one.json() for one in sites.site("openai").requests if one.path == "/v1/responses"][-1]


def test_what_an_official_api_keeps_is_gone_on_from_at_its_account(gateway: Served, sites: Sites) -> None:
    answers = [raw(gateway, input=f"My name is Ada{number}.") for number in range(4)]
    places = {answer.headers["x-glassgate-account"] for answer in answers}
    assert places == {"official/demo", "official/other"}
    for answer in answers:
        said = answer.parse()
        second = raw(gateway, input="What is my name?", previous_response_id=said.id)
        assert second.headers["x-glassgate-account"] == answer.headers["x-glassgate-account"]
        assert asked(sites)["previous_response_id"] == said.id
        assert asked(sites)["input"] == "What is my name?"
        assert "Ada" in second.parse().output_text
        assert gateway.sdk().responses.retrieve(said.id).output_text == said.output_text


def test_what_it_does_not_keep_is_unknown_here_too(gateway: Served) -> None:
    said = raw(gateway, input="My name is Ada.", store=False).parse()
    with pytest.raises(openai.BadRequestError) as refused:
        raw(gateway, input="What is my name?", previous_response_id=said.id)
    assert refused.value.code == "previous_response_not_found"


def test_an_answer_of_a_site_is_gone_on_from_at_an_official_api(ask: Ask, sites: Sites) -> None:
    first = ask(model="GLM-4.6", input="My name is Ada.")
    said = ask(model="sandbox-large", input="What is my name?", previous_response_id=first.id)
    assert "Ada" in said.output_text
    assert "previous_response_id" not in asked(sites)
    said = ask(model="qwen3.7-plus", input="What is my name?", previous_response_id=first.id)
    assert "Ada" in said.output_text


def test_an_answer_at_an_official_api_is_not_gone_on_from_elsewhere(ask: Ask) -> None:
    first = ask(model="sandbox-large", input="My name is Ada.")
    with pytest.raises(openai.BadRequestError) as refused:
        ask(model="GLM-4.6", input="What is my name?", previous_response_id=first.id)
    assert "lies at official/" in str(refused.value)


@pytest.mark.parametrize("kind", ["item", "file"])
def test_what_an_official_api_has_of_one_key_is_unknown_to_another(gateway: Served, sites: Sites, kind: str) -> None:
    """The API itself would give it: both keys are the same account there."""
    sdk = gateway.sdk()
    made = raw(gateway, input="My name is Ada.")
    place, named = made.headers["x-glassgate-account"], made.parse().output[-1].id
    if kind == "file":
        uploaded = sdk.files.with_raw_response.create(file=("a.txt", b"My name is Ada."), purpose="user_data")
        place, named = uploaded.headers["x-glassgate-account"], uploaded.parse().id
    part: Any = {"type": "item_reference", "id": named}
    if kind == "file":
        part = {"role": "user", "content": [{"type": "input_file", "file_id": named}]}
    question: Any = [part, {"role": "user", "content": "What is my name?"}]
    assert raw(gateway, input=question).headers["x-glassgate-account"] == place
    count = len(sites.site("openai").requests)
    with pytest.raises(openai.NotFoundError) as refused:
        sdk.with_options(api_key=OTHER).responses.create(model="sandbox-large", input=question)
    assert refused.value.code == f"{kind}_not_found"
    assert len(sites.site("openai").requests) == count
