"""An address that is none of the API's: what is meant by it, and how that is said."""

import json
from collections.abc import Sequence

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Failure
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment
from providers.openai.address import advice, meant, without_endpoint
from providers.openai.options import OpenAIOptions
from providers.openai.presets import PRESETS
from providers.openai.provider import OpenAICompatible
from tests.support.turns import steps_of, turn_of

KNOWN = [preset.base_url for preset in PRESETS.values()]
MOMENT = Moment(0, lambda: "id", "UTC")


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("https://api.example.com", "https://api.example.com/v1"),
        ("https://api.example.com/", "https://api.example.com/v1"),
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("https://relay.example/api", "https://relay.example/api/v1"),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1"),
        ("https://api.example.com/v1/chat/completions/", "https://api.example.com/v1"),
        ("https://api.example.com/v1/models", "https://api.example.com/v1"),
        ("https://api.example.com/chat/completions", "https://api.example.com/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://openrouter.ai/v1", "https://openrouter.ai/api/v1"),
        ("https://api.groq.com/v1", "https://api.groq.com/openai/v1"),
        ("https://generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("https://api.example.com/v1", None),
        ("https://api.example.com/api/paas/v4", None),
        ("https://api.example.com/v1beta/openai", None),
        *((address, None) for address in KNOWN if address),
    ],
)
def test_what_is_meant(written: str, right: str | None) -> None:
    assert meant(written, KNOWN) == right


@pytest.mark.parametrize("address", ["https://a.example/v1", "https://a.example", "https://completions.example/v1"])
def test_most_addresses_name_no_endpoint(address: str) -> None:
    assert without_endpoint(address) is None


def test_how_it_is_said() -> None:
    assert advice("alpha", "https://a.example", "https://a.example/v1") == (
        "base_url should end in /v1: change providers.alpha.base_url in config.yaml from https://a.example to "
        "https://a.example/v1"
    )
    assert "should end before /chat/completions: change" in advice(
        "alpha", "https://a.example/v1/chat/completions", "https://a.example/v1"
    )
    assert "should be https://openrouter.ai/api/v1: change" in advice(
        "alpha", "https://openrouter.ai/v1", "https://openrouter.ai/api/v1"
    )
    assert "(https://a.example/v1)" in advice("alpha", "https://a.example/v1", None)


def provider(base_url: str) -> OpenAICompatible:
    return OpenAICompatible("alpha", OpenAIOptions(base_url=base_url))


ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "openai": (404, "application/json", b'{"error": {"message": "Invalid URL (POST /chat/completions)"}}'),
    "fastapi": (404, "application/json", b'{"detail": "Not Found"}'),
    "nginx": (404, "text/html", b"<html><head><title>404 Not Found</title></head></html>"),
    "post-to-a-page": (405, "text/html", b"<html><title>405 Not Allowed</title></html>"),
    "website": (200, "text/html; charset=utf-8", b"<!doctype html><title>New API</title>"),
    "lm-studio": (200, "application/json", b'{"error": "Unexpected endpoint or method. (POST /chat/completions)"}'),
    "empty": (404, "", b""),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("status", "form", "body"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_from_nowhere_says_what_to_change(status: int, form: str, body: bytes, stream: bool) -> None:
    api, chat = provider("https://a.example"), ChatRequest("m", (Message("user", "Hi"),), stream=stream)
    if turn_of(api, chat).accepts(status, {"content-type": form}):
        decoder = turn_of(api, chat).decoder()
        (failure,) = [e for e in [*decoder.feed(body), *decoder.close()] if isinstance(e, Failure)]
        error = failure.error
    else:
        error = turn_of(api, chat).classify(status, {"content-type": form}, body)
    assert error.kind is ErrorKind.MISCONFIGURED
    assert error.message.endswith(
        ". base_url should end in /v1: change providers.alpha.base_url in config.yaml from https://a.example to "
        "https://a.example/v1"
    )
    assert "fault" not in error.message


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
def test_other_answers_do_not_blame_the_address(status: int) -> None:
    for body in (b'{"error": {"message": "no"}}', b"<html>no</html>"):
        error = turn_of(provider("https://a.example"), ChatRequest("m", ())).classify(status, {}, body)
        assert "should end" not in error.message
        assert error.kind is not ErrorKind.MISCONFIGURED


def identified(base_url: str, answers: Sequence[tuple[int, bytes]]) -> object:
    """What asking for the key says; the addresses asked are those of /models, in order."""
    steps = steps_of(provider(base_url).sign_in.identify(Session("alpha", "k", ("api_key",)), MOMENT))
    asked = [next(steps).shown_url]
    try:
        for status, body in answers:
            asked.append(steps.send(Answer(status, {"content-type": "text/html"}, body)).shown_url)
    except StopIteration as end:
        return end.value.proven
    except ProviderError as error:
        return error
    raise AssertionError(asked)


LIST = json.dumps({"data": []}).encode()


def test_before_the_first_chat_the_right_address_is_looked_for() -> None:
    for first in ((404, b""), (405, b""), (200, b"<html>a website</html>"), (404, b"<html>no</html>")):
        for second in ((200, LIST), (401, b'{"error": {"message": "no key"}}')):
            error = identified("https://a.example", [first, second])
            assert isinstance(error, ProviderError)
            assert error.kind is ErrorKind.MISCONFIGURED
            assert "base_url should end in /v1: change providers.alpha.base_url" in error.message
            assert "There is no API at https://a.example." in error.message


def test_an_api_without_a_list_of_models_stays_unproven() -> None:
    assert identified("https://a.example", [(404, b""), (404, b"")]) is False
    assert identified("https://a.example", [(404, b""), (200, b"<html>a website</html>")]) is False
    assert identified("https://a.example/v1", [(404, b"")]) is False
    assert identified("https://a.example/v1", [(200, LIST)]) is True


def test_an_endpoint_in_the_address_is_seen_without_asking() -> None:
    (said,) = provider("https://a.example/v1/messages").doubts()
    assert "to https://a.example/v1" in said
    assert provider("https://a.example").doubts() == ()
