"""Pictures of Qwen's through /v1/images: what is drawn, how links and contents come, and what cannot be had."""

import base64
import io
from collections.abc import Iterator
from typing import Any, cast

import openai
import pytest

from addons.features.chain import applied
from addons.features.feature import Served as ServedBy
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Image, Usage
from providers.contract.pictures import ImageRequest
from providers.contract.provider import AnyProvider
from providers.contract.requests import ChatRequest
from providers.qwen.options import QwenOptions
from providers.qwen.pictures import MOST_BYTES, PictureContent, picture_urls
from providers.sandbox.png import PNG
from providers.sandbox.qwen.frames import IMAGE_PATH
from providers.sandbox.qwen.site import QwenSite
from tests.providers.qwen.accounts import CREATED, answer, chat, moment, qwen, run, session
from tests.support.calls import seen
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.turns import turn_of

MODEL = "qwen3.7-plus"
CDN = "https://cdn.qwenlm.ai/output/u/t2i/r/1.png"
LINK = f"{CDN}?key=eyJhbGciOiJIUzI1NiJ9.e30.sig&x=%2B"


def stream(*contents: str) -> bytes:
    frames = [f'{{"choices":[{{"delta":{{"phase":"image_gen","content":"{one}"}}}}]}}' for one in contents]
    frames.append('{"choices":[{"delta":{"phase":"image_gen","content":"","status":"finished"}}]}')
    return "".join(f"data: {frame}\n\n" for frame in frames).encode()


def drawn(*links: str, **options: Any) -> Any:
    """A turn of a picture that is wanted as its content, after it was drawn, and the calls that were made."""
    turn = turn_of(qwen(**options), chat(f"{MODEL}-image", "A cat", drawing="content"), session())
    _, calls = run(turn.prepare(moment()), answer(CREATED), answer(stream(*links), content_type="text/event-stream"))
    return turn, calls


def read(*pieces: bytes) -> list[Event]:
    decoder = PictureContent([Usage(1, 2, 3)])
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


# -- by itself --------------------------------------------------------------------------------------------------------
def test_a_picture_is_fetched_without_the_session_and_nobody_is_shown_its_links_query() -> None:
    turn, calls = drawn(LINK)
    assert [call.url.partition("?")[0] for call in calls] == [
        "https://chat.qwen.ai/api/v2/chats/new",
        "https://chat.qwen.ai/api/v2/chat/completions",
    ]
    call = turn.call(moment())
    assert call.opened(lambda secret: pytest.fail("no secret of the session")).url == LINK
    assert call.shown_url == f"{CDN}?~handed-out~link~"
    assert {name for name, _ in call.headers} == {"accept", "user-agent"}
    assert not call.secrets


def test_what_lies_at_the_site_itself_is_fetched_with_the_session() -> None:
    turn, _ = drawn("https://chat.qwen.ai/api/v2/chat/c/output/1.png")
    assert "authorization" in dict(seen(turn.call(moment())).headers)


@pytest.mark.parametrize(
    "link",
    [
        "https://cdn.qwenlm.ai.evil.example/1.png?key=x",
        "https://evil.example/1.png",
        "http://cdn.qwenlm.ai/1.png",
        "https://cdn.qwenlm.ai@evil.example/1.png",
        "data:image/png;base64,AA==",
    ],
)
def test_no_other_place_is_asked_for_a_picture(link: str) -> None:
    turn, _ = drawn(link)
    with pytest.raises(ProviderError) as refused:
        turn.call(moment())
    assert (refused.value.kind, refused.value.param) == (ErrorKind.BAD_REQUEST, "response_format")


def test_the_places_of_pictures_are_those_of_config_or_this_machine() -> None:
    assert "https://cdn.qwenlm.ai" in picture_urls(QwenOptions())
    assert picture_urls(QwenOptions(base_url="http://127.0.0.1:9")) == ("http://127.0.0.1:9",)
    assert picture_urls(QwenOptions(picture_urls=("https://a.example",))) == ("https://a.example",)
    assert "https://a.example:443" in qwen(picture_urls=("https://a.example",)).upload_origins()


def test_words_instead_of_a_picture_are_told() -> None:
    with pytest.raises(ProviderError, match="It says: I cannot draw that") as refused:
        drawn("I cannot draw that.")
    assert refused.value.kind is ErrorKind.CONTENT_FILTERED


def test_the_content_of_a_picture_is_a_data_url() -> None:
    content = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    for cut in range(len(PNG)):
        assert read(PNG[:cut], PNG[cut:]) == [Image(content), Usage(1, 2, 3), Finish("stop")]


def test_what_is_no_picture_or_too_large_is_a_failure() -> None:
    for pieces in ([b"<html>"], [], [b"\x89PNG\r\n\x1a\n", *[b"a" * 1024 * 1024] * (MOST_BYTES >> 20)]):
        (failure,) = read(*pieces)
        assert isinstance(failure, Failure)
        assert failure.error.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(
    ("status", "kind", "taken"),
    [(200, "image/png", True), (200, "text/html", False), (302, "image/png", False), (403, "application/xml", False)],
)
def test_only_a_picture_is_taken(status: int, kind: str, taken: bool) -> None:
    turn, _ = drawn(LINK)
    assert turn.accepts(status, {"content-type": kind}) is taken
    assert turn.classify(status, {}, b"").kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(("model", "asked"), [("qwen-max", "qwen-max-image"), (f"{MODEL}-image", f"{MODEL}-image")])
def test_who_draws_for_a_model(model: str, asked: str) -> None:
    provider = qwen()
    serving = provider.serving(ImageRequest(model, "A cat"))
    assert serving is not None
    by = ServedBy(provider.models()[model], serving.operation.native, moment(), cast(AnyProvider, provider))
    request = applied(serving.request, by).request
    assert isinstance(request, ChatRequest)
    assert (request.model, request.drawing) == (asked, "link")


# -- through the gateway ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, QwenSite]]:
    folder = tmp_path_factory.mktemp("pictures")
    with Sites(("qwen",)) as thread, Served(folder, thread, **NO_REST) as gateway:
        yield gateway, thread.site("qwen")


@pytest.fixture
def site(own: tuple[Served, QwenSite]) -> QwenSite:
    own[1].requests.clear()
    return own[1]


@pytest.fixture
def sdk(own: tuple[Served, QwenSite]) -> openai.OpenAI:
    return own[0].sdk()


def completions(site: QwenSite) -> list[Any]:
    return [request.json() for request in site.requests if request.path == "/api/v2/chat/completions"]


def test_links(sdk: openai.OpenAI, site: QwenSite) -> None:
    made = sdk.images.generate(model="qwen-max", prompt="A cat", size="1792x1024", quality="hd")
    assert made.data
    assert [(datum.url or "").partition("/output")[2] for datum in made.data] == [IMAGE_PATH.removeprefix("/output")]
    (asked,) = completions(site)
    assert (asked["size"], asked["messages"][0]["chat_type"], asked["messages"][0]["content"]) == (
        "16:9",
        "t2i",
        "A cat",
    )


def test_contents_of_several(own: tuple[Served, QwenSite], sdk: openai.OpenAI, site: QwenSite) -> None:
    before = len(own[0].log)
    made = sdk.images.generate(model=f"{MODEL}-image", prompt="A cat", n=3, response_format="b64_json")
    assert made.data
    assert [base64.b64decode(datum.b64_json or "") for datum in made.data] == [PNG] * 3
    assert len(completions(site)) == 3
    fetched = [request for request in site.requests if request.path.startswith("/output/")]
    assert len(fetched) == 3
    assert not any({"authorization", "cookie"} & request.headers.keys() for request in fetched)
    assert "not-a-secret" not in own[0].log[before:]


def test_a_redirect_is_not_followed(sdk: openai.OpenAI, site: QwenSite) -> None:
    prompt = "A cat\n!sandbox pace_ms=0 variant=two_images"
    with pytest.raises(openai.InternalServerError):
        sdk.images.generate(model=MODEL, prompt=prompt, response_format="b64_json")


def test_a_picture_is_changed(sdk: openai.OpenAI, site: QwenSite) -> None:
    changed = sdk.images.edit(model="qwen-max", image=("a.png", io.BytesIO(PNG), "image/png"), prompt="Make it blue")
    assert changed.data
    assert (changed.data[0].url or "").endswith(IMAGE_PATH)
    (asked,) = completions(site)
    (message,) = asked["messages"]
    assert (message["chat_type"], message["sub_chat_type"], message["content"]) == ("image_edit",) * 2 + (
        "Make it blue",
    )
    assert [one["type"] for one in message["files"]] == ["image"]
    assert "size" not in asked


def test_a_picture_is_changed_that_stands_in_json(own: tuple[Served, QwenSite], site: QwenSite) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    asked = {"model": MODEL, "prompt": "Make it blue", "image": url, "size": "3:4", "response_format": "b64_json"}
    answer = own[0].post(asked, "/v1/images/edits")
    assert base64.b64decode(answer.json()["data"][0]["b64_json"]) == PNG
    assert completions(site)[0]["size"] == "3:4"


def test_a_chat_with_a_model_that_draws_changes_the_newest_picture(sdk: openai.OpenAI, site: QwenSite) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    shown: Any = [{"type": "text", "text": "Make it blue"}, {"type": "image_url", "image_url": {"url": url}}]
    said: Any = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    answer = sdk.chat.completions.create(model="qwen-max-image", messages=[*said, {"role": "user", "content": shown}])
    assert IMAGE_PATH in (answer.choices[0].message.content or "")
    (message,) = completions(site)[0]["messages"]
    assert (message["chat_type"], message["content"], len(message["files"])) == ("image_edit", "Make it blue", 1)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a size that is none": ({"size": "1024x999"}, "size"),
    "too many": ({"n": 5}, "n"),
    "streamed": ({"stream": True}, "stream"),
    "without a background": ({"background": "transparent"}, "background"),
    "as JPEG": ({"output_format": "jpeg"}, "output_format"),
    "a model that does not draw": ({"model": "qwen3.7-max"}, "model"),
    "no prompt": ({"prompt": ""}, "prompt"),
}


@pytest.mark.parametrize("about", REFUSED)
def test_what_cannot_be_had_is_refused_by_name(own: tuple[Served, QwenSite], site: QwenSite, about: str) -> None:
    fields, param = REFUSED[about]
    answer = own[0].post({"model": MODEL, "prompt": "A cat", **fields}, "/v1/images/generations")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert not completions(site)


def test_the_allowed_sizes_are_told(own: tuple[Served, QwenSite]) -> None:
    answer = own[0].post({"model": MODEL, "prompt": "A cat", "size": "7:1"}, "/v1/images/generations")
    assert "1:1, 4:3, 3:4, 16:9, 9:16, 1792x1024" in answer.json()["error"]["message"]


def test_a_mask_and_a_file_that_is_no_picture_are_refused(own: tuple[Served, QwenSite], site: QwenSite) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    for fields, param in (({"image": url, "mask": url}, "mask"), ({"image": "data:image/png;base64,AAAA"}, "image")):
        answer = own[0].post({"model": MODEL, "prompt": "x", **fields}, "/v1/images/edits")
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert not completions(site)


def test_why_nothing_was_drawn_is_told(own: tuple[Served, QwenSite]) -> None:
    prompt = "A cat\n!sandbox pace_ms=0 variant=no_image"
    for form in ("url", "b64_json"):
        answer = own[0].post({"model": MODEL, "prompt": prompt, "response_format": form}, "/v1/images/generations")
        assert answer.json()["error"]["code"] == "content_filter"
        assert "This is nothing I can draw." in answer.json()["error"]["message"]


def test_a_used_up_allowance_rests_the_account(own: tuple[Served, QwenSite]) -> None:
    prompt = "A cat\n!sandbox fault=quota"
    answer = own[0].post({"model": MODEL, "prompt": prompt}, "/v1/images/generations")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 3600


def test_the_list_of_models_says_which_draw(sdk: openai.OpenAI) -> None:
    listed: Any = {model.id: model for model in sdk.models.list(extra_query={"all": "true"})}
    told = {name: listed[name].architecture["output_modalities"] for name in (MODEL, f"{MODEL}-image", "qwen3.7-max")}
    assert told == {MODEL: ["text", "image"], f"{MODEL}-image": ["image"], "qwen3.7-max": ["text"]}
