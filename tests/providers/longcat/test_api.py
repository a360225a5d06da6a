"""What LongCat's calls have in common, and its models."""

import json

import pytest
from pydantic import ValidationError

from providers.contract.errors import ErrorKind, ProviderError
from providers.longcat.options import LongCatOptions
from tests.providers.longcat.accounts import MOMENT, completion, provider, session, turn_in
from tests.support.calls import seen


def test_headers_of_the_persons_own_browser_go_before_ours_but_no_signature() -> None:
    held = session(token="v", headers={"User-Agent": "mine", "Access-Token": "t", "mtgsig": "old"})
    headers = dict(seen(turn_in("c", held).call(MOMENT)).headers)
    assert headers["user-agent"] == "~sealed~longcat~main~header:User-Agent~"
    assert headers["access-token"] == "~sealed~longcat~main~header:Access-Token~"
    assert "mtgsig" not in headers


def test_what_ages_can_be_put_over_in_the_configuration() -> None:
    site = provider(
        base_url="http://127.0.0.1:9999",
        headers={"User-Agent": "x", "m-appkey": ""},
        models={"LongCat-Research": {"thinking": True, "agent_id": "7"}, "LongCat-Pro": {"agent_id": "3"}},
    )
    call = completion("LongCat-Research", site)
    headers, body = dict(call.headers), json.loads(call.body)
    assert call.url.startswith("http://127.0.0.1:9999/api/v1/")
    assert headers["user-agent"] == "x"
    assert "m-appkey" not in headers
    assert (body["agentId"], body["reasonEnabled"]) == ("7", 1)
    assert json.loads(completion("LongCat-Pro", site).body)["agentId"] == "3"


def test_a_wrong_key_in_a_models_switches_is_refused() -> None:
    with pytest.raises(ValidationError, match="agent"):
        LongCatOptions.model_validate({"models": {"X": {"agent": "7"}}})


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ProviderError, match="'nope'") as caught:
        completion("nope")
    assert caught.value.kind is ErrorKind.MODEL_UNAVAILABLE
