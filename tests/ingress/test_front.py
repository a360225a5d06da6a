"""The front page, and paths as clients spell them, through a gateway."""

import httpx
import pytest

from addons.config.version import version
from tests.support.served import Served
from tests.support.visit import KEY

HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
MODEL = "sandbox-large"


def test_a_browser_sees_where_it_is(gateway: Served) -> None:
    answer = gateway.request("GET", "/", headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "<script" not in answer.text.lower()
    for word in (f"Glassgate {version()}", f"{gateway.url}/v1", "/healthz", "/v1/models", "/openapi.json"):
        assert word in answer.text


def test_a_program_gets_the_same_as_json(gateway: Served) -> None:
    answer = gateway.request("GET", "/")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["base_url"] == f"{gateway.url}/v1"
    assert answer.json()["version"] == version()


@pytest.mark.parametrize("accept", ["*/*", HTML["accept"]])
def test_with_a_key_it_tells_no_more(gateway: Served, accept: str) -> None:
    headers = {"accept": accept}
    shown, told = (gateway.request("GET", "/", headers=headers | key).text for key in ({}, gateway.headers))
    assert shown == told
    assert not [word for word in (KEY, "zai", "sandbox", "GLM", "demo") if word in told]


@pytest.mark.parametrize("headers", [{}, HTML])
def test_its_head_alone(gateway: Served, headers: dict[str, str]) -> None:
    answer = gateway.request("HEAD", "/", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 50


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1"])
def test_it_is_not_shown_under_a_foreign_name(gateway: Served, host: str) -> None:
    answer = gateway.request("GET", "/", headers={**HTML, "host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden_host")


def test_what_a_proxy_says_of_the_way_is_shown_but_nothing_else(gateway: Served) -> None:
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    assert gateway.request("GET", "/", headers=headers).json()["base_url"] == f"https://127.0.0.1:{gateway.port}/v1"
    odd = gateway.request("GET", "/", headers={**HTML, "x-forwarded-proto": '"><script>'})
    assert f"http://127.0.0.1:{gateway.port}/v1" in odd.text


# -- paths ------------------------------------------------------------------------------------------------------------
def spelled(path: str) -> list[str]:
    bare = path.removeprefix("/v1")
    return [path, f"/{path}", f"{path}/", path.replace("/", "//"), bare, f"{bare}/", f"//{bare}//"]


@pytest.mark.parametrize("path", spelled("/v1/chat/completions"))
def test_chats_under_every_spelling(gateway: Served, path: str) -> None:
    fields = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    answer = gateway.request("POST", path, json=fields, headers=gateway.headers)
    assert answer.status_code == 200
    assert answer.json()["object"] == "chat.completion"
    assert gateway.request("POST", path, json=fields).status_code == 401


@pytest.mark.parametrize("path", spelled("/v1/completions"))
def test_completions_under_every_spelling(gateway: Served, path: str) -> None:
    answer = gateway.request("POST", path, json={"model": MODEL, "prompt": "Hi"}, headers=gateway.headers)
    assert answer.json()["object"] == "text_completion"


@pytest.mark.parametrize("path", spelled("/v1/models"))
def test_models_under_every_spelling(gateway: Served, path: str) -> None:
    wanted = gateway.get("/v1/models").json()["data"]
    found = gateway.request("GET", path, headers=gateway.headers).json()["data"]
    assert [model["id"] for model in found] == [model["id"] for model in wanted]
    assert gateway.request("GET", path).status_code == 401


@pytest.mark.parametrize("name", ["vendor/sandbox-slash", "vendor%2Fsandbox-slash"])
def test_a_model_under_every_spelling(gateway: Served, name: str) -> None:
    for path in ("/v1/models/", "/models/", "//models//"):
        answer = gateway.request("GET", f"{path}{name}/", headers=gateway.headers)
        assert answer.json()["id"] == "vendor/sandbox-slash"


def test_a_clients_base_url_may_lack_v1(gateway: Served) -> None:
    with gateway.sdk(strict=False, base_url=gateway.url) as client:
        asked = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        assert asked.choices[0].message.content
        assert client.models.retrieve(MODEL).id == MODEL


@pytest.mark.parametrize(
    "path",
    ["/v1/../healthz", "/%68ealthz", "/v1/%2e%2e/healthz", "/healthz%2f", "/v1%2fmodels", "/./", "/%2f", "/..;/"],
)
def test_no_way_round_the_key(gateway: Served, path: str) -> None:
    for headers, status in (({}, 401), (gateway.headers, 404)):
        target = {"target": path.encode()}
        with gateway.http(headers=None) as client:
            answer = client.send(httpx.Request("GET", gateway.url, headers=headers, extensions=target))
        assert answer.status_code == status
