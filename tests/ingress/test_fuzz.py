"""The whole gateway fuzzed along its own description: whatever comes, the answer is one that /openapi.json tells of."""

import copy
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import schemathesis
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from addons.ingress.openapi import document
from tests.support.served import Served
from tests.support.visit import KEY

pytestmark = pytest.mark.untraced  # hundreds of requests each

WEB_MODELS = ["GLM-4.6", "qwen-max", "LongCat", "MBZUAI-IFM/K2-Think"]
MODELS = [*WEB_MODELS, "sandbox-large", "sandbox-small", "vendor/sandbox-slash", "no-such-model"]
TOOLS = [None, [], [{"type": "function", "function": {"name": "f", "parameters": {}}}]]
AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FORM_CODES = (None, "invalid_json")
"""Codes of refusals that only the form of a request can earn."""


def fuzz(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def known_models() -> dict[str, Any]:
    """The description, narrowed to what the sandbox knows (and one model it does not): fuzzing must get that far."""
    found = copy.deepcopy(document())
    schemas = found["components"]["schemas"]
    for name in ("ChatRequest", "CompletionRequest", "MessagesRequest"):
        schemas[name]["properties"]["model"] = {"enum": MODELS}
    schemas["ChatRequest"]["properties"]["tools"] = {"enum": TOOLS}  # its official API calls functions only
    (model_id,) = found["paths"]["/v1/models/{id}"]["parameters"]
    model_id["schema"] = {"enum": MODELS}
    return found


API = schemathesis.openapi.from_dict(known_models())
OPERATIONS = {
    f"{method.upper()} {path}": API[path][method]
    for path, item in document()["paths"].items()
    for method in item
    if method != "parameters"
}
CHATS = ("POST /v1/chat/completions", "POST /v1/completions")
PLANS = [
    pytest.param(label, mode, id=f"{label} {mode.value}")
    for label in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or "POST" in label or "/v1/models" in label
]
"""Where there is nothing to fill in, there is nothing to fill in wrongly either."""


class InProcess(requests.adapters.BaseAdapter):
    """Carries what `requests` sends to a gateway in this process."""

    def __init__(self, gateway: Served) -> None:
        super().__init__()
        self._gateway = gateway

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        assert request.url
        content: Any = request.body
        fields: Any = list(request.headers.items())
        with self._gateway.http(headers=None) as http:
            asked = httpx.Request(request.method or "", request.url, headers=fields, content=content)
            found = http.send(asked)
        answer = requests.Response()
        answer.request, answer.url, answer.status_code = request, request.url, found.status_code
        body, told = io.BytesIO(found.content), urllib3.HTTPHeaderDict(found.headers.multi_items())
        answer.raw = urllib3.HTTPResponse(
            body, told, found.status_code, preload_content=False, request_method=request.method
        )
        answer.headers = requests.structures.CaseInsensitiveDict(told)
        return answer

    def close(self) -> None:
        pass


@pytest.fixture
def session(gateway: Served) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", InProcess(gateway))
        yield session


@pytest.fixture(autouse=True)
def _nothing_broke(gateway: Served) -> Iterator[None]:
    """No request of a test has made the gateway fail inside."""
    before = len(gateway.log)
    yield
    assert "Traceback" not in gateway.log[before:], gateway.log[before:]


def error_of(status: int, kind: str, body: bytes) -> dict[str, str | None]:
    """The error of a refusal, checked to be in OpenAI's envelope or Anthropic's and no failure of the gateway."""
    assert 400 <= status < 500, body
    assert kind == "application/json"
    told = json.loads(body)
    error: dict[str, str | None] = told["error"]
    if told.get("type") == "error":
        assert set(told) - {"request_id"} == {"type", "error"}
        assert set(error) == {"type", "message"}
        error = {**error, "code": None}
    else:
        assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def refused(answer: httpx.Response) -> dict[str, str | None]:
    assert answer.headers["x-request-id"].startswith("req_")
    return error_of(answer.status_code, answer.headers["content-type"], answer.content)


def test_the_description_is_served_to_holders_of_a_key(gateway: Served, http: httpx.Client) -> None:
    answer = http.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document()
    head = http.head("/openapi.json")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(answer.content)))
    assert refused(gateway.http(headers=None).get("/openapi.json"))["code"] == "invalid_api_key"


@pytest.mark.parametrize(("label", "mode"), PLANS)
def test_every_answer_is_one_that_is_described(
    label: str, mode: GenerationMode, gateway: Served, session: requests.Session
) -> None:
    """And a request as described is never refused for its form."""
    cases = OPERATIONS[label].as_strategy(mode)

    @fuzz(100 if label in CHATS else 12)
    @given(case=cases)
    def check(case: Any) -> None:
        answer = case.call_and_validate(gateway.url, session, gateway.headers, checks=AS_DESCRIBED, timeout=30)
        if answer.status_code >= 400 and case.method != "HEAD":
            error = error_of(answer.status_code, answer.headers["content-type"][0], answer.content)
            if label in CHATS and mode is GenerationMode.POSITIVE:
                assert error["code"] not in FORM_CODES

    check()


OPEN = {"GET /", "HEAD /", *(label for label in OPERATIONS if "/healthz" in label or "/metrics" in label)}
"""Answered without; metrics to programs of this machine."""


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label not in OPEN])
def test_nothing_is_answered_without_the_key(label: str, gateway: Served, session: requests.Session) -> None:
    @fuzz(5)
    @given(case=OPERATIONS[label].as_strategy(), key=st.sampled_from(["", "Bearer ", "Bearer x", f"Basic {KEY}", KEY]))
    def check(case: Any, key: str) -> None:
        answer = case.call(gateway.url, session, {"authorization": key}, timeout=30)
        assert answer.status_code == 401

    check()


BODY = json.dumps({"model": "GLM-4.6", "messages": [{"role": "user", "content": "é\U0001f600"}], "seed": 1}).encode()
# fmt: off
PIECES = st.sampled_from([
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\ud800", b"\x00", b"\xff", b"\xef\xbb\xbf", b"-", b"NaN",
    b"1e999", b'"model":', b"9" * 5000, b'"seed":1.0,', b"null", b"true", b"/**/", b"\n", b"[" * 100, b'{"a":' * 100,
])
# fmt: on


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good body with pieces cut out of it and put into it."""
    body = BODY
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 20)))
        body = body[:start] + draw(st.one_of(PIECES, st.binary(max_size=4), st.just(b""))) + body[end:]
    return body


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_broken_bodies_are_refused_or_understood(path: str, gateway: Served, http: httpx.Client) -> None:
    @fuzz(300)
    @given(body=st.one_of(broken(), st.binary(max_size=50)))
    def check(body: bytes) -> None:
        answer = http.post(path, content=body)
        if answer.status_code != 200:
            refused(answer)

    check()


# fmt: off
NAMES = st.sampled_from([
    "content-type", "content-encoding", "accept", "origin", "x-api-key", "api-key", "x-request-id", "cookie", "te",
    "via", "x-forwarded-for", "x-forwarded-host", "range", "if-none-match", "accept-encoding", "x-http-method-override",
    "openai-beta", "idempotency-key", "x-stainless-retry-count", "upgrade", "authorization",
])
# fmt: on
VALUES = st.one_of(
    st.sampled_from(
        ["", "gzip", "identity", "h2c", "null", "bytes=0-1", "application/x-www-form-urlencoded", "*/*", KEY]
    ),
    st.binary(max_size=30).map(lambda raw: bytes(b for b in raw if b > 31 and b != 127).decode("latin-1").strip()),
)
TARGETS = st.one_of(
    st.sampled_from(
        ["/v1/models", "/v1/models/GLM-4.6", "/v1/chat/completions", "/healthz", "/openapi.json", "/", "//"]
    ),
    st.text("/.%?#&=~0aZé\u2028 \\", max_size=30).map(lambda text: f"/{text}"),
    st.text("/.%25FfcC0aé", max_size=20).map(lambda text: f"/v1/models/{text}"),
    st.text("a=l1&%;+é", max_size=20).map(lambda text: f"/v1/models?all{text}"),
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X"])


def test_odd_methods_paths_and_headers_are_answered_in_json(gateway: Served, http: httpx.Client) -> None:
    @fuzz(300)
    @given(method=METHODS, target=TARGETS, extra=st.dictionaries(NAMES, VALUES, max_size=3))
    def check(method: str, target: str, extra: dict[str, str]) -> None:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in [*gateway.headers.items(), *extra.items()]]
        sent = quote(target, safe="/.%?#&=~;+\\").encode()
        answer = http.send(httpx.Request(method, gateway.url, headers=raw, content=b"", extensions={"target": sent}))
        if answer.status_code not in (200, 204) and method != "HEAD":
            refused(answer)
        assert answer.status_code < 500

    check()


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 2\r\nx-api-key: " + KEY.encode()
# fmt: off
HEAD_PIECES = st.sampled_from([
    b"\r\n", b"\n", b"\r", b" ", b":", b"\x00", b"\xff", b"\t", b"HTTP/1.1", b"HTTP/9.9", b"\r\n folded: x", b"*", b"http://x",
    b"\r\ntransfer-encoding: chunked", b"\r\ncontent-length: 3", b"\r\ncontent-length: -1", b"\r\nhost: a", b"?#", b"%",
    b"\r\nexpect: 100-continue", b"\r\ntransfer-encoding: gzip, x", b"\r\ncontent-length: " + b"9" * 30,
])
# fmt: on


@st.composite
def broken_heads(draw: st.DrawFn) -> bytes:
    head = HEAD
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(head)))
        end = draw(st.integers(start, min(len(head), start + 8)))
        head = head[:start] + draw(st.one_of(HEAD_PIECES, st.binary(max_size=3), st.just(b""))) + head[end:]
    return head


def test_broken_heads_are_answered_in_json_or_not_at_all(gateway: Served) -> None:
    @fuzz(300)
    @given(head=broken_heads())
    def check(head: bytes) -> None:
        answer = gateway.exchange(head + b"\r\n\r\n{}").removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not answer:
            return  # the request never became whole
        status, _, _ = answer.removeprefix(b"HTTP/1.1 ").partition(b" ")
        assert 400 <= int(status) < 500, answer
        body = answer.partition(b"\r\n\r\n")[2]
        error, _ = json.JSONDecoder().raw_decode(body.decode())
        assert set(error["error"]) == {"message", "type", "param", "code"}

    check()
