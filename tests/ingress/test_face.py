"""The gateway's own face: paths, keys, errors, models. Plain HTTP."""

import json

import httpx
import pytest

from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY


def envelope(answer: httpx.Response) -> dict[str, str | None]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    error: dict[str, str | None] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("GET", "/v1/v1/models", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1/videos", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("PUT", "/healthz", 404),
    ],
)
def test_unknown_paths_and_methods_are_json(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    if path == "/healthz":
        status = 405
    assert answer.status_code == status
    envelope(answer)


def test_options_and_head_are_sensible(http: httpx.Client) -> None:
    options = http.options("/v1/chat/completions")
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    head = http.head("/v1/models")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/GLM-4.66", "/nowhere", "/openapi.json"])
@pytest.mark.parametrize("key", [KEY, "wrong-key-entirely"])
def test_a_head_request_is_answered_with_a_head_alone(gateway: Served, path: str, key: str) -> None:
    """What would follow it is read as the next answer on the same connection."""
    wanted = f"HEAD {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n\r\n".encode()
    last = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    found = gateway.exchange(wanted + last, ends=False)
    head, _, rest = found.partition(b"\r\n\r\n")
    assert b"content-length: 0" not in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_stream_asks_proxies_to_pass_it_on_at_once(http: httpx.Client) -> None:
    asked = {"model": "sandbox-large", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    found = http.post("/v1/chat/completions", json=asked).headers
    assert found["x-accel-buffering"] == "no"
    assert set(found["cache-control"].split(", ")) == {"no-cache", "no-transform"}
    assert found["content-type"] == "text/event-stream; charset=utf-8"


def test_health_needs_no_key_and_tells_nothing(gateway: Served) -> None:
    answer = gateway.request("GET", "/healthz")
    assert answer.json() == {"status": "ok"}


def test_a_wrong_key_is_401(gateway: Served) -> None:
    answer = gateway.request("GET", "/v1/models", headers={"authorization": "Bearer wrong-key-entirely"})
    assert answer.status_code == 401
    assert envelope(answer)["code"] == "invalid_api_key"


def test_models_are_those_an_account_can_serve(http: httpx.Client) -> None:
    found = http.get("/v1/models").json()
    ids = {model["id"] for model in found["data"]}
    assert {"GLM-4.5", "GLM-4.5-Air", "GLM-4.6", "GLM-4.7", "GLM-5", "sandbox-large", "vendor/sandbox-slash"} <= ids
    suffixed = {"GLM-4.5-Thinking", "GLM-4.5-Search", "GLM-4.6-Thinking", "GLM-4.6-Search"}
    assert not suffixed & ids
    assert suffixed <= {model["id"] for model in http.get("/v1/models", params={"all": "true"}).json()["data"]}
    own = {"id", "object", "created", "owned_by"}
    beside = {"context_length", "architecture", "supported_parameters"}
    assert all(own <= model.keys() <= own | beside for model in found["data"])


@pytest.mark.parametrize("name", ["glm-4.6", "GLM-4.6", "vendor/sandbox-slash", "vendor%2Fsandbox-slash"])
def test_one_model_in_any_case_and_with_a_slash(http: httpx.Client, name: str) -> None:
    answer = http.get(f"/v1/models/{name}")
    assert answer.status_code == 200
    assert answer.json()["object"] == "model"


def test_an_unknown_model_is_404_with_near_names(http: httpx.Client) -> None:
    for answer in (
        http.get("/v1/models/GLM-4.66"),
        http.post("/v1/chat/completions", json={"model": "GLM-4.66", "messages": [{"role": "user", "content": "x"}]}),
    ):
        assert answer.status_code == 404
        error = envelope(answer)
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert "GLM-4.6" in str(error["message"])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b'{"model":"GLM-4.6"}', "messages"),
        (b'{"model":"GLM-4.6","messages":[]}', "messages"),
        (b'{"model":"GLM-4.6","messages":[{"role":"user","content":5}]}', "messages[0].content"),
        (b"[" * 1000 + b"]" * 1000, None),
    ],
)
def test_bad_requests_name_the_field(http: httpx.Client, body: bytes, param: str | None) -> None:
    answer = http.post("/v1/chat/completions", content=body)
    assert answer.status_code == 400
    assert envelope(answer)["param"] == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
    ],
)
def test_a_web_session_refuses_by_name_what_it_cannot_do(
    http: httpx.Client, fields: dict[str, object], param: str
) -> None:
    answer = http.post(
        "/v1/chat/completions", json={"model": "GLM-4.6", "messages": [{"role": "user", "content": "x"}], **fields}
    )
    assert answer.status_code == 400
    error = envelope(answer)
    assert (error["param"], error["code"]) == (param, "unsupported_parameter")


def test_a_33_mb_body_is_413_and_the_next_request_works(http: httpx.Client) -> None:
    answer = http.post("/v1/chat/completions", content=b'{"model":"' + b"x" * 33 * 1024 * 1024 + b'"}')
    assert answer.status_code == 413
    assert envelope(answer)["code"] == "request_too_large"
    assert http.get("/v1/models").status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"NONSENSE\r\n\r\n", 400, id="no request line"),
        pytest.param(b"GET /v1/models HTTP/1.1\r\nhost: evil.example\r\n\r\n", 403, id="foreign host"),
        pytest.param(b"GET http://127.0.0.1/v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 400, id="absolute form"),
        pytest.param(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 400, id="connect"),
        pytest.param(b"GET /v1/models HTTP/1.1\r\n" + b"x: y\r\n" * 20_000 + b"\r\n", 431, id="endless head"),
    ],
)
def test_malformed_and_misdirected_heads_are_refused_in_json(gateway: Served, head: bytes, status: int) -> None:
    answer = gateway.exchange(head, ends=False)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_the_clients_key_reaches_no_provider_and_no_log(gateway: Served, http: httpx.Client, sites: Sites) -> None:
    http.post("/v1/chat/completions", json={"model": "sandbox-large", "messages": [{"role": "user", "content": "hi"}]})
    requests = [r for name in ("openai", "zai") for r in sites.site(name).requests]
    assert not any(KEY in str(request) for request in requests)
    assert KEY not in gateway.log
