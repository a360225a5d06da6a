"""The door, event by event: a client's key is kept nowhere, whatever is wrong with its request."""

import base64
import gc
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.ingress.head_redaction import redact_head
from addons.ingress.request_head import request_head_of
from addons.stream.credentials import FRAMING, HeldCredentials, remove_credentials
from tests.support.door import KEY, POST, error_of, refusal
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import status_of

MALFORMED = [
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: %s\r\n\r\n",
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\ntransfer-encoding: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization : Bearer %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization\x00: Bearer %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization Bearer %s\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded %s\r\n\r\n",
    b"GET /?api_key=%s HTTP/1.1 x\r\nhost: x\r\n\r\n",
    b"GET /?api_key=%s HTTP/9.9\r\nhost: x\r\n\r\n",
    b"%s / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"%s\r\n\r\n",
    b"CONNECT site:443 HTTP/1.1\r\nproxy-authorization: Basic %s\r\n\r\n",
    b"CONNECT %s:443 HTTP/1.1\r\n\r\n",
    b"GET http://user:%s@x/ HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization: Bearer %s\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    b"GET / HTTP/1.1\r\nauthorization: Bearer %s\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization: Bearer %s",
]


@pytest.mark.parametrize("head", MALFORMED)
def test_a_malformed_head_leaves_nothing_behind(head: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    head = head.replace(b"%s", KEY.encode())
    for pieces in ([head], [head[:20], head[20:]]):
        drive = Drive([])
        for piece in pieces:
            drive.client_sends(piece)
        drive.client_leaves()
        assert drive.flows == []
        assert KEY not in str(drive.logged) + caplog.text
        assert KEY.encode() not in drive.to_client
        if drive.to_client:
            assert 400 <= status_of(drive.to_client) < 500
            assert error_of(drive.to_client)["code"] == "bad_http_request"


@pytest.mark.parametrize(
    "line",
    [
        "authorization: Bearer %s",
        "AUTHORIZATION: %s",
        "x-api-key: %s",
        "api-key: %s",
        "cookie: a=%s",
        "proxy-authorization: Basic %s",
        "x-goog-api-key: %s",
        "sec-websocket-protocol: realtime, openai-insecure-api-key.%s",
        "autorizaton: Bearer %s",
        "x: Bearer %s",
    ],
)
def test_credentials_are_kept_beside_the_flow(line: str) -> None:
    drive = Drive([], at_head=refusal())
    line = line.replace("%s", KEY)
    head = f"POST /v1/models?api_key={KEY}&all=1&token={KEY} HTTP/1.1\r\nhost: x\r\n{line}\r\ncontent-length: 9\r\n\r\n"
    drive.client_sends(head.encode())
    flow = drive.flows[0]
    assert KEY not in str(flow.get_state())
    assert flow.request.path == "/v1/models?all=1"
    shown = drive.deps.credentials.take(flow.request)
    name, _, value = line.partition(": ")
    assert shown == {name.lower(): value}
    assert request_head_of(flow, shown).headers[name.lower()] == value
    assert drive.deps.credentials.take(flow.request) == {}


def test_a_body_that_is_too_large_is_refused_with_a_flow_that_holds_no_key() -> None:
    drive = Drive([FakeAttempt()])
    drive.client_sends(POST + f"authorization: Bearer {KEY}\r\ncontent-length: 99999\r\n\r\n".encode())
    assert status_of(drive.to_client) == 413
    assert KEY not in str([flow.get_state() for flow in drive.flows])


@pytest.mark.parametrize("known", [True, False], ids=["a key of ours", "the key that was shown"])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param("{}", id="alone"),
        pytest.param("pre{}post", id="inside a word"),
        pytest.param("user:{}", id="behind a colon"),
        pytest.param("prog/1 ({})", id="in brackets"),
        pytest.param("http://u:{}@x/", id="in an address"),
    ],
)
def test_a_key_is_hidden_wherever_it_stands(said: str, known: bool) -> None:
    fields = [(b"x-mine", said.format(KEY).encode()), (KEY.encode(), b"1"), (b"x-other", b"words of no weight at all")]
    request = http.Request.make("GET", f"http://localhost/v1/{KEY}/models", b"", fields)
    cleaner = Cleaner.knowing([KnownSecret(KEY, "client_key")] if known else [])
    redact_head(request, cleaner, {} if known else {"authorization": f"Bearer {KEY}"})
    assert KEY[:12] not in str(request.get_state())
    assert request.headers["x-other"] == "words of no weight at all"


@pytest.mark.parametrize("encoded", [KEY.encode().hex(), base64.b64encode(KEY.encode()).decode(), KEY[:20]])
def test_a_key_is_hidden_encoded_and_in_pieces(encoded: str) -> None:
    request = http.Request.make("GET", f"http://localhost/v1/{encoded}", b"", [(b"x-mine", encoded.encode())])
    redact_head(request, Cleaner.knowing([KnownSecret(KEY, "client_key")]), {})
    assert encoded not in str(request.get_state())


def test_only_the_beginning_of_a_long_head_is_kept_for_people() -> None:
    """Looking through it takes time, and who sends it may have no key. What HTTP needs stays."""
    fields = [(b"x-%d" % n, b"%41" * 300) for n in range(60)]
    request = http.Request.make("GET", "http://localhost/v1", b"", [*fields, (b"connection", b"close")])
    redact_head(request, Cleaner.knowing([KnownSecret(KEY, "client_key")]), {})
    assert sum(len(name) + len(value) for name, value in request.headers.fields) < 9000
    assert request.headers["connection"] == "close"


def taken(*fields: tuple[bytes, bytes], path: bytes = b"/v1/models") -> tuple[http.Request, dict[str, str]]:
    request = http.Request.make("POST", "http://x/", headers=http.Headers(fields))
    request.headers = http.Headers(fields)
    request.data.path = path
    return request, dict(remove_credentials(request))


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        (b"Authorization", b"x", True),
        (b"X-Api-Key", b"x", True),
        (b"cookie", b"a=1", True),
        (b"x-session-id", b"x", True),
        (b"Sec-WebSocket-Protocol", b"openai-insecure-api-key.x", True),
        (b"x-other", b"Bearer x", True),
        (b"x-other", b" basic x", True),
        (b"x-other", b"Bearerx", False),
        (b"x-other", b"my sk-abcdefgh", True),
        (b"x-other", b"SK-ABCDEFGH", True),
        (b"x-other", b"sk-abc", False),
        (b"x-other", b"desk-abcdefgh", False),
        (b"user-agent", b"curl/8", False),
        (b"accept", b"*/*", False),
        (b"content-length", b"5", False),
        (b"Host", b"sk-abcdefgh", False),
    ],
)
def test_what_is_a_credential_leaves_the_request(name: bytes, value: bytes, secret: bool) -> None:
    request, found = taken((b"x-first", b"1"), (name, value), (b"x-last", b"2"))
    assert found == ({name.decode().lower(): value.decode()} if secret else {})
    assert (name in [field for field, _ in request.headers.fields]) is not secret
    assert [request.headers["x-first"], request.headers["x-last"]] == ["1", "2"]


@pytest.mark.parametrize("name", sorted(FRAMING))
def test_what_http_itself_needs_stays(name: bytes) -> None:
    request, found = taken((name, b"Bearer sk-abcdefgh"))
    assert (found, [field for field, _ in request.headers.fields]) == ({}, [name])


def test_several_of_a_name_are_kept_together_beside_it() -> None:
    _, found = taken((b"X-Api-Key", b"a"), (b"x-api-key", b"b"), (b"Cookie", b"c=1"), (b"cookie", b"d=2"))
    assert found == {"x-api-key": "a, b", "cookie": "c=1; d=2"}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (b"/a", b"/a"),
        (b"/a?", b"/a"),
        (b"/a?key=secret", b"/a"),
        (b"/a?all=true", b"/a?all=true"),
        (b"/a?key=secret&all=1&all=x", b"/a?all=1&all=x"),
        (b"/a?all=longer-than-that", b"/a"),
        (b"/a?limit=20&order=asc&after=msg_0a1", b"/a?limit=20&order=asc&after=msg_0a1"),
        (b"/a?limit=secret&order=secret&after=sk-secret&after=secret", b"/a"),
        (b"/a?client_version=0.169.0", b"/a?client_version=0.169.0"),
        (b"/a?limit=2&after_id=zai%2FGLM-4.6", b"/a?limit=2&after_id=zai%2FGLM-4.6"),
        (b"/a?before_id=a%26key=x&after_id=", b"/a"),
        (b"/a?client_version=secret&client_version=1.x", b"/a"),
        (b"/a?all", b"/a"),
        (b"/a?ALL=1", b"/a"),
        (b"/a?all=1?key=secret", b"/a"),
    ],
)
def test_of_a_query_what_the_gateway_reads_stays(path: bytes, left: bytes) -> None:
    assert taken(path=path)[0].data.path == left


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=12), st.binary(max_size=12)), max_size=6))
def test_every_field_is_in_one_place_and_no_other(fields: list[tuple[bytes, bytes]]) -> None:
    request, found = taken(*fields)
    kept = list(request.headers.fields)
    assert len({name.lower() for name, _ in fields}) <= len({name.lower() for name, _ in kept}) + len(found)
    assert [field for field in fields if field in kept] == kept


def test_what_was_taken_off_is_given_once_and_goes_with_the_request() -> None:
    aside = HeldCredentials()
    request = http.Request.make("GET", "http://x/", headers=[(b"authorization", b"Bearer x")])
    aside.put(request)
    assert aside.take(http.Request.make("GET", "http://x/")) == {}
    assert aside.take(request) == {"authorization": "Bearer x"}
    assert aside.take(request) == {}
    aside.put(request)
    assert len(aside._taken) == 1
    del request
    gc.collect()
    assert len(aside._taken) == 0
