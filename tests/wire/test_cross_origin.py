"""Web pages of other origins in a real Chromium."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chromium import Chromium, find_chromium
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread

PROGRAM = find_chromium()
MODEL = "sandbox-large"
CHATS = "/v1/chat/completions"


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page, whatever is asked for."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>app</title><body>an app</body>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The origin of a page."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(60)


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    with served() as origin:
        yield origin


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    with served() as origin:
        yield origin


@pytest.fixture(scope="module")
def gateway(sites: SandboxThread, app: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("cors")
    folder.chmod(0o700)
    gateway = Gateway(folder, sites.description(), limits={"body_mb": 0.02}, **NO_REST)
    gateway.config["listen"]["allowed_origins"] = [f"{app}/"]  # the slash is a usual mistake
    gateway.write_config()
    with gateway:
        yield gateway


def body(stream: bool = False, prompt: str = "Hi") -> dict[str, Any]:
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


# -- in a real browser ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def page() -> Iterator[Chromium]:
    if PROGRAM is None:
        pytest.skip("needs Chromium or Chrome")
    with Chromium(PROGRAM) as page:
        yield page


FETCH = """
(async () => {
  const {url, init} = %s;
  try {
    const answer = await fetch(url, init);
    const reader = answer.body.getReader(), decoder = new TextDecoder();
    let text = "", pieces = 0;
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      pieces += 1;
      text += decoder.decode(value, {stream: true});
    }
    return {status: answer.status, headers: Object.fromEntries(answer.headers), text, pieces};
  } catch (error) { return {failed: String(error)}; }
})()
"""


def fetched(page: Chromium, origin: str, url: str, **init: Any) -> dict[str, Any]:
    """What a page of the origin gets when its script fetches the address."""
    page.open(f"{origin}/")
    page.wait_for("an app")
    found: dict[str, Any] = page.evaluate(FETCH % json.dumps({"url": url, "init": init}))
    return found


def chat(page: Chromium, origin: str, gateway: Gateway, key: str = KEY, **fields: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "x-stainless-lang": "js"}
    asked = {**body(), **fields}
    return fetched(page, origin, gateway.url + CHATS, method="POST", headers=headers, body=json.dumps(asked))


def test_a_page_reads_a_whole_answer_and_its_headers(page: Chromium, app: str, gateway: Gateway) -> None:
    found = chat(page, app, gateway)
    assert found["status"] == 200, found
    assert json.loads(found["text"])["choices"][0]["message"]["content"].startswith("Hello from the sandbox")
    assert found["headers"]["x-request-id"].startswith("req_")
    assert found["headers"]["x-glassgate-model"] == MODEL
    assert found["headers"]["x-glassgate-attempts"] == "1"


def test_a_page_reads_a_stream_while_it_comes(page: Chromium, app: str, gateway: Gateway) -> None:
    slowly = body(prompt='!sandbox text="one two three" pace_ms=300')["messages"]
    found = chat(page, app, gateway, stream=True, messages=slowly)
    assert found["status"] == 200, found
    assert found["text"].endswith("data: [DONE]\n\n")
    assert found["pieces"] > 1


@pytest.mark.parametrize(
    ("fields", "key", "status"),
    [
        ({}, "wrong-key-entirely", 401),
        ({"model": "none"}, KEY, 404),
        ({"messages": [{"role": "user", "content": "Hi\n!sandbox fault=429 retry_after=7"}]}, KEY, 429),
        ({"messages": [{"role": "user", "content": "x" * 30_000}]}, KEY, 413),
    ],
)
def test_a_page_reads_why_it_was_refused(
    page: Chromium, app: str, gateway: Gateway, fields: dict[str, Any], key: str, status: int
) -> None:
    found = chat(page, app, gateway, key, **fields)
    assert found["status"] == status, found
    assert json.loads(found["text"])["error"]["message"]
    assert found["headers"]["x-request-id"].startswith("req_")
    assert ("retry-after" in found["headers"]) is (status == 429)


def test_a_page_reads_the_models_and_health(page: Chromium, app: str, gateway: Gateway) -> None:
    models = fetched(page, app, f"{gateway.url}/models", headers={"x-api-key": KEY})
    assert MODEL in models["text"]
    assert json.loads(fetched(page, app, f"{gateway.url}/healthz")["text"]) == {"status": "ok"}


def test_a_page_of_another_origin_reads_nothing(page: Chromium, foreign: str, gateway: Gateway) -> None:
    assert "failed" in chat(page, foreign, gateway)
    assert "failed" in fetched(page, foreign, f"{gateway.url}/healthz")
    assert "failed" in fetched(page, foreign, f"{gateway.url}/")
    assert f"requests from web pages of '{foreign}' are not allowed" in gateway.log


def test_the_front_page_in_a_browser(page: Chromium, gateway: Gateway) -> None:
    page.open("about:blank")
    page.open(f"{gateway.url}/")
    seen = page.wait_for("Glassgate", f"{gateway.url}/v1")
    assert KEY not in seen
    assert "sandbox" not in seen
    style = "getComputedStyle(document.body).maxWidth"
    assert page.evaluate(style) not in ("none", ""), "the page's policy lets its own style through"
    assert page.evaluate("document.scripts.length") == 0
