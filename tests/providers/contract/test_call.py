"""What a call may be made of; secrets are put into it on the wire alone."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.call import Call, opened_url, origin_of
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import SecretRef
from providers.contract.session import Session

TOKEN = Session("p", "acc", ("token", "cookie:a", "cookie:b")).seal("token")
URL = "https://site.example/x"


def value_of(secret: SecretRef) -> str:
    return {"token": "the real/token+", "cookie:a": "A", "cookie:b": "B"}[secret.name]


def test_a_call_opens_headers_query_and_the_fields_of_a_sign_in() -> None:
    call = Call("POST", f"{URL}?a=1&token=" + TOKEN + "&z=2", (("Authorization", "Bearer " + TOKEN), ("X", "y")))
    assert [secret.name for secret in call.secrets] == ["token", "token"]
    wire = call.opened(value_of)
    assert wire.url == f"{URL}?a=1&token=the%20real%2Ftoken%2B&z=2"
    assert wire.headers == (("Authorization", "Bearer the real/token+"), ("X", "y"))
    sign_in = Call("POST", URL, (), {"password": TOKEN, "kind": "web"})
    assert json.loads(sign_in.shown_body) == {"password": "~sealed~p~acc~token~", "kind": "web"}
    assert json.loads(sign_in.opened(value_of).shown_body) == {"password": "the real/token+", "kind": "web"}


@pytest.mark.parametrize("bad", ["a\r\nX: 1", "a\nb", "a\rb", "a\0b", "\x7f", "\x1b[2J", "a\x0bb"])
@pytest.mark.parametrize("place", ["name", "value", "url", "sealed value", "method"])
def test_no_control_character_gets_into_a_call(bad: str, place: str) -> None:
    calls: dict[str, Callable[[], Call]] = {
        "name": lambda: Call("GET", URL, ((bad, "v"),)),
        "value": lambda: Call("GET", URL, (("n", bad),)),
        "sealed value": lambda: Call("GET", URL, (("n", bad + TOKEN),)),
        "url": lambda: Call("GET", URL + bad),
        "method": lambda: Call(bad, URL),
    }
    with pytest.raises(ProviderError, match="nothing was sent") as caught:
        calls[place]()
    assert caught.value.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize("bad", ["v\r\nX: 1", "v\n", "v\0"])
def test_nor_does_a_secret_with_one(bad: str) -> None:
    with pytest.raises(ProviderError):
        Call("GET", URL, (("n", "v" + TOKEN),)).opened(lambda secret: bad)


@pytest.mark.parametrize("url", ["x", "/path", "ftp://a/b", "https://a b/", "https://ä.example/", ""])
def test_an_address_is_absolute_and_plain(url: str) -> None:
    with pytest.raises(ProviderError):
        Call("GET", url)


def test_a_secret_stands_in_the_query_alone() -> None:
    for url in (TOKEN + "https://x/?", "https://" + TOKEN + "/?a=", "https://x/" + TOKEN):
        with pytest.raises(ProviderError):
            Call("GET", url)


def test_a_head_is_bounded() -> None:
    with pytest.raises(ProviderError, match="size"):
        Call("GET", URL, tuple((f"h{n}", "x" * 1000) for n in range(200)))


def test_secrets_of_a_sign_in_are_among_those_it_needs() -> None:
    assert [secret.name for secret in Call("POST", URL, (), {"password": TOKEN, "kind": "web"}).secrets] == ["token"]
    assert Call("POST", URL, (), b"{}").secrets == ()


def test_only_the_secret_in_an_address_is_escaped() -> None:
    assert opened_url(f"{URL}?a=/&t=" + TOKEN, value_of) == f"{URL}?a=/&t=the%20real%2Ftoken%2B"
    assert opened_url(f"{URL}?a=/", value_of) == f"{URL}?a=/"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://site.example/x?y", "https://site.example:443"),
        ("http://127.0.0.1/", "http://127.0.0.1:80"),
        ("https://Site.Example:8443/v1", "https://site.example:8443"),
    ],
)
def test_an_origin_names_its_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_an_origin_with_a_bad_port_is_refused() -> None:
    with pytest.raises(ValueError, match="ort"):
        origin_of("https://site.example:99999/")


@given(
    st.sampled_from(["http://", "https://", "HTTP://"]),
    st.text(alphabet="ab.@:\\[]1%-", min_size=1, max_size=12),
    st.sampled_from(["", "/", "/a?b#c", "?q=/x", "#f/@evil", "//x@y", "/@evil:1"]),
)
def test_the_origin_is_that_of_the_whole_url(scheme: str, where: str, path: str) -> None:
    def plainly(url: str) -> str | None:
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        except ValueError:
            return None
        return f"{parts.scheme}://{parts.hostname}:{port}"

    def found(url: str) -> str | None:
        try:
            return origin_of(url)
        except ValueError:
            return None

    assert found(scheme + where + path) == plainly(scheme + where + path)
