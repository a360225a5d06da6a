"""K2Think's list of models, and names that it changes."""

import json
from collections.abc import Mapping

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from providers.contract.steps import Answer
from providers.k2think.provider import K2Think
from tests.providers.k2think.accounts import HELLO, MOMENT, V1, V2, V3, listed, provider, session
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

MISSING = ProviderError(ErrorKind.MODEL_UNAVAILABLE, "gone", status=400)


def learn(site: K2Think, answer: Answer) -> Seen:
    steps = site.list_models(session(), MOMENT)
    call = seen(next(steps))
    with pytest.raises(StopIteration):
        steps.send(answer)
    return call


def ids(models: Mapping[str, Model]) -> dict[str, str]:
    return {public: model.site_id for public, model in models.items()}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(listed(V2), {V1: V2, V2: V2}, id="today"),
        pytest.param(listed(V1), {V1: V1, V2: V2}, id="before-v2"),
        pytest.param(listed(), {V1: V2, V2: V2}, id="empty"),
        pytest.param(Answer(200, {}, json.dumps([{"id": V2}]).encode()), {V1: V2, V2: V2}, id="bare-list"),
        pytest.param(listed({"id": "k2v2", "name": V2}), {V1: "k2v2", V2: "k2v2"}, id="by-name"),
        pytest.param(listed(V2.lower()), {V1: V2.lower(), V2: V2.lower()}, id="other-case"),
        pytest.param(listed(V3), {V1: V3, V2: V2}, id="newer-version"),
        pytest.param(listed({"id": V2, "status": "inactive"}, V1), {V1: V1, V2: V2}, id="inactive"),
        pytest.param(listed(V2, "LLM360/Other"), {V1: V2, V2: V2, "LLM360/Other": "LLM360/Other"}, id="another-model"),
        pytest.param(listed({"id": 5}, None, V2), {V1: V2, V2: V2}, id="odd-items"),
    ],
)
def test_public_names_follow_the_sites_list(answer: Answer, expected: dict[str, str]) -> None:
    site = provider()
    assert ids(site.models()) == {V1: V2, V2: V2}
    call = learn(site, answer)
    assert (call.method, call.url) == ("GET", "https://www.k2think.ai/api/models")
    assert ids(site.models()) == expected


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(401, {}, b'{"detail":"x"}'), ErrorKind.SESSION_EXPIRED),
        (Answer(200, {}, b"<html>"), ErrorKind.CHALLENGE),
        (Answer(200, {}, b'{"data":5}'), ErrorKind.PROVIDER_DOWN),
    ],
)
def test_without_a_list_the_known_models_stay(answer: Answer, kind: ErrorKind) -> None:
    site = provider()
    steps = site.list_models(session(), MOMENT)
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(answer)
    assert caught.value.kind is kind
    assert ids(site.models()) == {V1: V2, V2: V2}


def test_a_model_not_found_is_looked_up_and_tried_under_its_new_name() -> None:
    site = provider()
    steps = turn_of(site, ChatRequest(V1, HELLO), session()).recover(MISSING, MOMENT)
    assert steps is not None
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(listed(V3))
    assert json.loads(seen(turn_of(site, ChatRequest(V1, HELLO), session()).call(MOMENT)).body)["model"] == V3


def test_a_model_not_found_under_the_same_name_stays_an_error() -> None:
    steps = turn_of(provider(), ChatRequest(V1, HELLO), session()).recover(MISSING, MOMENT)
    assert steps is not None
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(listed(V2))
    assert caught.value is MISSING
    assert (
        turn_of(provider(), ChatRequest(V1, HELLO), session()).recover(
            ProviderError(ErrorKind.PROVIDER_DOWN, "x"), MOMENT
        )
        is None
    )


def test_what_ages_can_be_put_over_in_the_configuration() -> None:
    site = provider(
        base_url="http://127.0.0.1:9999",
        headers={"User-Agent": "x", "referer": ""},
        model_ids={"K2": "k2-latest", V1: ["a", "b"]},
    )
    assert ids(site.models()) == {V1: "a", V2: V2, "K2": "k2-latest"}
    call = seen(turn_of(site, ChatRequest("K2", HELLO), session()).call(MOMENT))
    assert call.url == "http://127.0.0.1:9999/api/chat/completions"
    assert dict(call.headers)["user-agent"] == "x"
    assert "referer" not in dict(call.headers)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ProviderError, match="'nope'") as caught:
        turn_of(provider(), ChatRequest("nope", HELLO), session()).call(MOMENT)
    assert caught.value.kind is ErrorKind.MODEL_UNAVAILABLE
