"""Pictures of an official API: what is sent on, how answers are read; both through the gateway with the real SDK."""

import base64
import io
import json
from typing import Any

import httpx
import openai
import pytest

from addons.dialects.images.dialect import Images
from addons.dialects.routed_head import RoutedHead
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from providers.sandbox.openai.pictures import USAGE
from providers.sandbox.png import PNG
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.turns import turn_of

OFFICIAL = "sandbox-large"
NOW = Moment(1_790_000_000_000, lambda: "id")
EDITS = RoutedHead("images_edits", headers={"content-type": "multipart/form-data; boundary=xx"})
FORM = (
    b'--xx\r\nContent-Disposition: form-data; name="model"\r\n\r\npublic\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA cat\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b"\x89PNG\r\n\xff--xx no boundary\r\n--xx--\r\n"
)


def api(**options: Any) -> OpenAICompatible:
    return OpenAICompatible("api", OpenAIOptions(base_url="http://127.0.0.1:1/v1", **options))


def call_of(provider: OpenAICompatible, body: bytes, head: RoutedHead = EDITS) -> Call:
    request = Images().parse(body, head).request
    return turn_of(provider, request, Session("api", "a", ("api_key",))).call(NOW)


# -- what is sent -----------------------------------------------------------------------------------------------------
def test_a_json_body_goes_on_with_all_its_fields_under_the_apis_name_of_the_model() -> None:
    asked = {"model": "public", "prompt": "A cat", "n": 2, "quality": "hd", "of_the_future": {"a": [1, None]}}
    sent = call_of(api(models={"public": "theirs"}), json.dumps(asked).encode(), RoutedHead("images_generations"))
    assert sent.shown_url == "http://127.0.0.1:1/v1/images/generations"
    assert isinstance(sent.body, bytes)
    assert json.loads(sent.body) == asked | {"model": "theirs"}


def test_a_form_goes_on_byte_for_byte_where_the_model_has_the_same_name() -> None:
    sent = call_of(api(models=["public"]), FORM)
    assert (sent.shown_url, sent.body) == ("http://127.0.0.1:1/v1/images/edits", FORM)
    assert dict(sent.headers)["Content-Type"] == "multipart/form-data; boundary=xx"


def test_of_a_form_only_the_models_name_is_written_anew() -> None:
    sent = call_of(api(models={"public": "theirs"}), FORM)
    assert sent.body == FORM.replace(b"public", b"theirs")


def test_the_paths_are_those_of_config() -> None:
    provider = api(models=["public"], images_generations_path="/v2/paint", images_edits_path="paint/over")
    assert call_of(provider, FORM).shown_url == "http://127.0.0.1:1/v1/paint/over"
    asked = b'{"model": "public", "prompt": "x"}'
    assert call_of(provider, asked, RoutedHead("images_generations")).shown_url == "http://127.0.0.1:1/v2/paint"


def test_an_api_that_changes_no_pictures_says_so() -> None:
    with pytest.raises(ProviderError) as refused:
        call_of(api(preset="zai", models=["public"]), FORM)
    assert (refused.value.kind, refused.value.param) == (ErrorKind.BAD_REQUEST, "model")


def test_no_address_for_pictures_is_no_fault_of_the_address_of_all() -> None:
    turn = turn_of(api(models=["m"]), Images().parse(b'{"model": "m", "prompt": "x"}').request)
    assert turn.classify(404, {}, b'{"detail": "Not Found"}').kind is ErrorKind.MODEL_UNAVAILABLE
    refused = turn.classify(400, {}, b'{"error": {"message": "Unknown parameter: size", "param": "size"}}')
    assert (refused.kind, refused.refused) == (ErrorKind.BAD_REQUEST, frozenset())


# -- through the gateway ----------------------------------------------------------------------------------------------
def test_the_sdk_gets_its_pictures(client: openai.OpenAI, sites: Sites) -> None:
    made = client.images.generate(model=OFFICIAL, prompt="A cat", n=2, quality="high", user="u")
    assert made.data is not None
    assert [base64.b64decode(datum.b64_json or "") for datum in made.data] == [PNG, PNG]
    assert made.data[0].revised_prompt == "A cat, in oil"
    assert made.usage is not None
    assert made.usage.total_tokens == USAGE["total_tokens"]
    assert sites.site("openai").requests[-1].json() == {
        "model": OFFICIAL,
        "prompt": "A cat",
        "n": 2,
        "quality": "high",
        "user": "u",
    }


def test_the_answer_comes_byte_for_byte(gateway: Served) -> None:
    answer = gateway.post({"model": OFFICIAL, "prompt": "A cat", "response_format": "url"}, "/images/generations")
    assert answer.headers["x-glassgate-account"] == "official/demo"
    assert b'\n "of_its_own": {\n  "x": [\n   1.5' in answer.content
    assert answer.json()["data"][0]["url"] == "https://pictures.example/1.png?sig=x"


def test_the_sdk_changes_pictures(client: openai.OpenAI, sites: Sites) -> None:
    pictures: Any = [("a.png", io.BytesIO(PNG), "image/png"), ("b.png", io.BytesIO(PNG), "image/png")]
    changed = client.images.edit(model=OFFICIAL, image=pictures, mask=pictures[0], prompt="Make it blue", n=1)
    assert changed.data
    sent = sites.site("openai").requests[-1]
    assert (sent.path, sent.body.count(PNG)) == ("/v1/images/edits", 3)


def test_the_sdk_streams_pictures(client: openai.OpenAI) -> None:
    stream = client.images.generate(model=OFFICIAL, prompt="A cat", stream=True, partial_images=1)
    assert [event.type for event in stream] == ["image_generation.partial_image", "image_generation.completed"]


def test_a_refusal_names_the_field(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model=OFFICIAL, prompt="")
    assert refused.value.param == "prompt"


def test_a_form_that_is_none_is_refused(gateway: Served, http: httpx.Client) -> None:
    answer = http.post(
        "/v1/images/edits", content=b"--xx\r\n", headers={"content-type": "multipart/form-data; boundary=xx"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_form")
