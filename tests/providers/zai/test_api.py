"""What is learnt of Z.AI: models, the path of completions, the page's version."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import shown
from providers.zai import data as zai_data
from tests.providers.zai.accounts import MOMENT, answered, chat, made, provider, reply, session
from tests.support.turns import turn_of


def test_the_live_list_decides_the_ids_and_adds_models() -> None:
    zai = provider()
    live = {
        "data": [
            {"id": "glm-4.6-x", "name": "GLM-4.6"},
            {"id": "glm-9", "name": "GLM-9"},
            {"id": "old", "name": "Old", "info": {"is_active": False}},
        ]
    }
    answered(zai.list_models(session(), MOMENT), reply(live), reply({}, 404))
    assert zai.models()["GLM-4.6"].site_id == "glm-4.6-x"
    assert zai.models()["GLM-9-Thinking"].thinking is True
    assert "Old" not in zai.models()
    assert zai.models()["GLM-4.5"].site_id == "0727-360B-API"


@pytest.mark.parametrize(
    ("settings", "path", "item"),
    [
        ({"completion_version": "1"}, "/api/chat/completions", {"id": "GLM-4-6-API-V1"}),
        ({"completion_version": "2"}, "/api/v2/chat/completions", None),
        ({"completion_version": "3"}, "/api/v2/chat/completions", None),
        ({"completion_version": ["1"]}, "/api/v2/chat/completions", None),
        ([], "/api/v2/chat/completions", None),
    ],
)
def test_the_sites_settings_name_the_path_of_a_completion(settings: Any, path: str, item: Any) -> None:
    zai = provider()
    answered(zai.list_models(session(), MOMENT), reply({"data": []}), reply(settings))
    call = made(chat("GLM-4.6"), zai)[1]
    assert urlsplit(call.url).path == path
    assert json.loads(call.body).get("model_item") == item


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"completion_version": "1"}, "/api/chat/completions"),
        ({"completion_version": 1}, "/api/chat/completions"),
        ({"completion_version": "2"}, None),
        ({"completion_version": ["1"]}, None),
        ({}, None),
    ],
    ids=str,
)
def test_what_is_not_found_may_be_the_path(settings: dict[str, Any], path: str | None) -> None:
    """The first request may be made before the site was asked which path it has."""
    zai = provider()
    missing = turn_of(zai, chat()).classify(404, {"content-type": "application/json"}, b'{"detail":"Not Found"}')
    steps = turn_of(zai, chat(), session()).recover(missing, MOMENT)
    assert steps is not None
    if path is None:
        with pytest.raises(ProviderError) as caught:
            answered(steps, reply(settings))
        assert caught.value is missing
    else:
        answered(steps, reply(settings))
        assert urlsplit(shown(made(chat(), zai)[1].url)).path == path
    assert turn_of(zai, chat(), session()).recover(missing, MOMENT) is None, "once"


def test_models_are_learnt_though_the_settings_cannot_be_read() -> None:
    zai = provider()
    listed = {"data": [{"id": "glm-9", "name": "GLM-9"}]}
    answered(zai.list_models(session(), MOMENT), reply(listed), reply({"detail": "x"}, 500))
    assert "GLM-9" in zai.models()
    steps = zai.list_models(session(), MOMENT)
    next(steps)
    steps.send(reply({"data": [{"id": "glm-10", "name": "GLM-10"}]}))
    with pytest.raises(ProviderError):
        steps.throw(ProviderError(ErrorKind.PROVIDER_DOWN, "out of reach"))
    assert "GLM-10" in zai.models()


def test_a_failed_list_leaves_the_models_as_they_are() -> None:
    zai = provider()
    before = dict(zai.models())
    with pytest.raises(ProviderError):
        answered(zai.list_models(session(), MOMENT), reply({"detail": "x"}, 500))
    assert dict(zai.models()) == before


OUTDATED = ProviderError(ErrorKind.OUTDATED_CLIENT, "too old")


def test_a_newer_client_version_is_learnt_from_the_page() -> None:
    zai = provider()
    steps = turn_of(zai, chat(), session()).recover(OUTDATED, MOMENT)
    assert steps is not None
    calls, _ = answered(steps, reply(b'<script src="/x/prod-fe-1.2.30/a.js">'))
    assert urlsplit(calls[0].url).path == "/"
    assert dict(made(chat(), zai)[1].headers)["X-FE-Version"] == "prod-fe-1.2.30"


@pytest.mark.parametrize("page", [b"<html>nothing</html>", zai_data.CLIENT_VERSION.encode()])
def test_without_a_newer_version_the_error_stands(page: bytes) -> None:
    steps = turn_of(provider(), chat(), session()).recover(OUTDATED, MOMENT)
    assert steps is not None
    with pytest.raises(ProviderError) as caught:
        answered(steps, reply(page))
    assert caught.value is OUTDATED


def test_an_edge_block_with_the_newest_version_is_a_challenge() -> None:
    error = turn_of(provider(), chat()).classify(
        405, {"content-type": "text/html"}, b"<html>405 errors.aliyun.com</html>"
    )
    steps = turn_of(provider(), chat(), session()).recover(error, MOMENT)
    assert steps is not None
    with pytest.raises(ProviderError) as caught:
        answered(steps, reply(zai_data.CLIENT_VERSION.encode()))
    assert caught.value.kind is ErrorKind.CHALLENGE


def test_site_data_can_be_overridden() -> None:
    zai = provider(client_version="prod-fe-9.9.9", headers={"X-Region": "home"}, model_ids={"GLM-4.6": "other-id"})
    call = made(chat(), zai)[1]
    headers = dict(call.headers)
    assert (headers["X-FE-Version"], headers["X-Region"]) == ("prod-fe-9.9.9", "home")
    assert json.loads(call.body)["model"] == "other-id"
