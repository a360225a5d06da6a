"""What the gateway answers itself: models in a dialect's form, health with and without a key, OPTIONS, HEAD."""

import json
from typing import Any

import pytest
from mitmproxy import http

from addons.accounts.health import Health
from addons.accounts.report import AccountLine
from addons.config.client_keys import ClientKey, ClientKeys
from addons.dialects import registry
from addons.dialects.body import Reading, all_at_once
from addons.dialects.completions.dialect import Completions
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.routes import POST, Route
from addons.errors import GatewayError
from addons.features.token_estimate import estimated
from addons.ingress.endpoints import BodyReading, Inside, answer, body_reading, without_body
from addons.ingress.gate import GateRules, admit
from addons.ingress.request_head import RequestHead
from addons.kept.items import KeptStore
from addons.routing.model_index import ModelIndex
from providers.contract.provider import Model

KEY = "sk-some-key-of-ours"
TABLE = {"m": Model("m", "o", created=7), "m-Thinking": Model("m-Thinking", "o", variant=True)}


def inside(**more: Any) -> Inside:
    fields: dict[str, Any] = {
        "index": ModelIndex([("api", TABLE), ("gone", {"n": Model("n", "o")})], {"fast": "m", "lost": "nowhere"}),
        "can_serve": lambda name: name == "api",
        "report": lambda: [AccountLine("api", "a", Health.OK)],
        "problems": list,
        "variants": False,
        "draining": False,
        "serves": lambda: True,
        "created": 5,
        "kept": KeptStore().of(b"ada"),
    }
    return Inside(**fields | more)


def ask(target: str, key: str = KEY, method: str = "GET", **more: Any) -> Any:
    head = RequestHead(method, target, {"authorization": f"Bearer {key}"}, False, "127.0.0.1:1", ("127.0.0.1", 1))
    return answer(admit(head, GateRules(ClientKeys([ClientKey("ada", KEY)]))), inside(**more))


def names(target: str, **more: Any) -> list[str]:
    return [entry["id"] for entry in json.loads(ask(target, **more).content)["data"]]


def test_models_that_can_be_served_are_listed_and_all_where_asked() -> None:
    assert names("/v1/models") == ["m", "fast"]
    assert names("/models?all=true") == ["m", "m-Thinking", "n", "fast"]
    assert names("/v1/models", variants=True) == ["m", "m-Thinking", "fast"]


def test_one_model_is_told_under_the_name_it_was_asked_by() -> None:
    one = json.loads(ask("/v1/models/FAST").content)
    assert (one["id"], one["object"], one["created"]) == ("FAST", "model", 7)
    assert json.loads(ask("/v1/models/M").content)["id"] == "m"
    with pytest.raises(GatewayError) as refused:
        ask("/v1/models/nobody")
    assert (refused.value.status, refused.value.param) == (404, "model")


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        ({}, 200, "ok"),
        ({"problems": lambda: ["config.yaml cannot be read"]}, 200, "ok"),
        ({"draining": True}, 503, "draining"),
        ({"serves": lambda: False}, 503, "unavailable"),
    ],
)
@pytest.mark.parametrize("key", ["", KEY])
def test_readiness_and_life_are_told_without_details_key_or_not(
    key: str, more: dict[str, Any], status: int, word: str
) -> None:
    ready, live = ask("/healthz/ready", key, **more), ask("/healthz/live", key, **more)
    assert (ready.status_code, json.loads(ready.content)) == (status, {"status": word})
    assert (live.status_code, json.loads(live.content)) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        ({}, 200, "ok"),
        ({"problems": lambda: ["config.yaml cannot be read"]}, 200, "degraded"),
        ({"draining": True}, 503, "draining"),
    ],
)
def test_health_tells_details_to_who_shows_a_key(more: dict[str, Any], status: int, word: str) -> None:
    bare = ask("/healthz", "", **more)
    assert (bare.status_code, json.loads(bare.content)) == (status, {"status": word})
    told = json.loads(ask("/healthz", **more).content)
    assert (told["status"], told["key"], len(told["accounts"])) == (word, "ada", 1)
    assert ("problem" in told) is (word == "degraded")


def test_options_has_no_body_and_no_length() -> None:
    found = ask("/v1/chat/completions", method="OPTIONS")
    assert (found.status_code, found.headers["allow"]) == (204, "OPTIONS, POST")
    assert "content-length" not in found.headers


def test_a_model_is_not_asked_here() -> None:
    assert ask("/v1/chat/completions", method="POST") is None


def test_the_head_of_an_answer_tells_its_length() -> None:
    found = ask("/openapi.json")
    length = len(found.content)
    without_body(found)
    assert (found.content, found.headers["content-length"]) == (b"", str(length))


def test_texts_are_told_in_tokens() -> None:
    assert inside().tokens(["Hello there, ", "you"]) == estimated(["Hello there, ", "you"]) == 6


def test_a_dialects_own_answer_to_a_body_is_made_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
        yield
        told = [request.head.params["id"], request.most_values, catalog.find("FAST").id]
        return http.Response.make(200, json.dumps(told).encode() + request.body)

    dialect = Completions()
    dialect.routes = (Route(POST, "/v1/things/{id}", "things", local_reading=counted),)
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, dialect))

    def found(target: str) -> BodyReading | None:
        headers = {"authorization": f"Bearer {KEY}"}
        head = RequestHead("POST", target, headers, False, "127.0.0.1:1", ("127.0.0.1", 1))
        admission = admit(head, GateRules(ClientKeys([ClientKey("ada", KEY)])))
        assert answer(admission, inside()) is None
        return body_reading(admission, inside(), 7)

    reading = found("/v1/things/a")
    assert reading is not None
    assert all_at_once(reading(b"!")).content == b'["a", 7, "m"]!'
    assert found("/v1/completions") is None
