"""Mistakes of a newcomer at run time: what the client, the log and the commands say."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from tests.support.ports import free_port
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread
from tests.support.waiting import until


class Api(ThreadingHTTPServer):
    """Answers every request with one status and body, whatever its path; counts the chats."""

    def __init__(self, status: int, body: bytes, form: str = "application/json") -> None:
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                api.asked += 1
                self.do_GET()

            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-type", form)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        api = self
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def error(message: str, **more: str) -> bytes:
    return json.dumps({"error": {"message": message, **more}}).encode()


@pytest.fixture(scope="module")
def apis() -> Iterator[dict[str, Api]]:
    found = {
        "nov1": Api(404, error("Invalid URL (POST /chat/completions)")),
        "website": Api(200, b"<!doctype html><title>Welcome</title>", "text/html"),
        "badkey": Api(401, error("Incorrect API key provided", code="invalid_api_key")),
        "nomodel": Api(404, error("The model no-such does not exist", code="model_not_found")),
    }
    yield found
    for api in found.values():
        api.shutdown()
        api.server_close()


@pytest.fixture(scope="module")
def gateway(apis: dict[str, Api], sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("truly")
    folder.chmod(0o700)
    entry: dict[str, Any] = {"type": "openai_compatible", "accounts": [{"name": "k"}]}
    providers: dict[str, Any] = {
        name: {**entry, "base_url": api.url, "models": [f"m-{name}"]} for name, api in apis.items()
    }
    for name in ("badkey", "nomodel"):
        providers[name]["base_url"] += "/v1"
    providers["nosess"] = {**entry, "base_url": "https://x.example/v1", "models": ["m-nosess"]}
    providers["beta"] = {**entry, "base_url": "https://x.example/v1", "models": ["m-beta"], "enabled": False}
    providers["twice"] = {
        **entry,
        "base_url": apis["badkey"].url + "/v1",
        "models": ["m-twice"],
        "accounts": [{"name": "one"}, {"name": "two"}],
    }
    made = Gateway(
        folder, providers=providers, models={"aliases": {"fast": "m-badkey"}}, log={"format": "json"}, **NO_REST
    )
    for name in (*apis, "beta"):
        made.vault.put(name, "k", {"api_key": "sk-0123456789abcdef"})
    for account in ("one", "two"):
        made.vault.put("twice", account, {"api_key": f"sk-0123456789{account}"})
    with made:
        yield made


def ask(gateway: Gateway, model: str) -> httpx.Response:
    fields = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers, timeout=30)


def logged(gateway: Gateway) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")]


def command(gateway: Gateway, *arguments: str) -> Result:
    environ = {"AUTH_TOKEN": KEY, "SESSION_ENCRYPTION_KEY": gateway.vault_key}
    return CliRunner().invoke(main, ["--config", str(gateway.config_file), *arguments], env=environ)


@pytest.mark.parametrize(("name", "code"), [("nov1", "provider_misconfigured"), ("website", "upstream_error")])
def test_a_wrong_address_is_asked_once_and_not_called_a_fault(
    gateway: Gateway, apis: dict[str, Api], name: str, code: str
) -> None:
    before, url = apis[name].asked, apis[name].url
    answer = ask(gateway, f"m-{name}")
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (502, code)
    assert (
        f"base_url should end in /v1: change providers.{name}.base_url in config.yaml from {url} to {url}/v1"
        in told["message"]
    )
    assert "fault" not in told["message"]
    assert (answer.headers["x-glassgate-attempts"], answer.headers["x-should-retry"]) == ("1", "false")
    assert apis[name].asked == before + 1


def test_a_wrong_key_is_told_with_the_command_of_this_installation(gateway: Gateway) -> None:
    message = ask(gateway, "m-badkey").json()["error"]["message"]
    said, _, line = message.rpartition(": ")
    assert said.endswith("Incorrect API key provided. Check the key at the provider and store the right one")
    assert line.endswith(f"glassgate --config {gateway.config_file} sessions add badkey k --api-key-stdin")


def test_no_session_is_one_advice(gateway: Gateway) -> None:
    message = ask(gateway, "m-nosess").json()["error"]["message"]
    assert message.count("sessions add nosess k --api-key-stdin") == 1
    assert message.endswith("--api-key-stdin")
    assert "ign in" not in message


def test_sentences_end_before_the_next_begins(gateway: Gateway) -> None:
    assert "does not exist. GET /v1/models" in ask(gateway, "m-nomodel").json()["error"]["message"]


def test_a_disabled_provider_is_named(gateway: Gateway) -> None:
    answer = ask(gateway, "m-beta")
    assert (answer.status_code, "'beta', which is disabled" in answer.text) == (404, True)
    assert "'beta', which is disabled" in httpx.get(f"{gateway.url}/v1/models/m-beta", headers=gateway.headers).text
    assert "'beta', which is disabled" in logged(gateway)[-2]["why"]


def test_header_log_and_words_name_one_account(gateway: Gateway) -> None:
    answer = ask(gateway, "m-twice")
    line = next(line for line in reversed(logged(gateway)) if line.get("id") == answer.headers["x-request-id"])
    named = f"{line['provider']}/{line['account']}"
    assert answer.json()["error"]["message"].startswith(f"[{named}] ")
    assert line["why"].startswith(f"[{named}] ")
    assert answer.headers["x-glassgate-account"] == named
    assert answer.headers["x-glassgate-attempts"] == "2"


def test_the_start_tells_version_address_file_models_and_aliases(gateway: Gateway) -> None:
    said = next(line["message"] for line in logged(gateway) if "is ready" in line.get("message", ""))
    assert said.startswith("Glassgate ")
    for word in (f"{gateway.url}/v1", str(gateway.config_file), "fast → m-badkey", "nosess/k is missing", "curl "):
        assert word in said
    assert KEY not in said


def test_models_are_listed_with_what_an_alias_stands_for(gateway: Gateway) -> None:
    assert "fast  → m-badkey\n" in command(gateway, "models").stdout


def test_a_changed_file_moves_no_listener_and_status_knows(gateway: Gateway) -> None:
    good = dict(gateway.config)
    try:
        gateway.config = {**good, "listen": {"port": free_port()}}
        gateway.write_config()
        assert "listen changed: this takes effect at the next start" in command(gateway, "reload").stdout
        result = command(gateway, "status")
        assert "listen changed" in result.stdout
        assert f"listens at {gateway.url} since its start" in result.stderr
    finally:
        gateway.config = good
        gateway.write_config()
        assert command(gateway, "reload").exit_code == 0


def test_a_bad_file_is_logged_once_however_often_it_is_asked_for(gateway: Gateway) -> None:
    good = dict(gateway.config)

    def refusals() -> int:
        return sum("is not taken up" in line.get("message", "") for line in logged(gateway))

    before = refusals()
    try:
        gateway.config = {**good, "lissen": {}}
        gateway.write_config()
        for _ in range(2):
            assert "lissen" in command(gateway, "reload").stderr
        assert refusals() == before + 1
    finally:
        gateway.config = good
        gateway.write_config()
        assert command(gateway, "reload").exit_code == 0


def test_what_a_gateway_left_behind_ends_with_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    entry = {"type": "openai_compatible", "base_url": "https://x.example/v1", "accounts": [{"name": "k"}]}
    with Gateway(tmp_path, providers={"alpha": entry}) as running:
        file = running.vault_path.with_name("gateway.json")
        until(file.exists)
        assert json.loads(file.read_text())["url"] == running.url
    assert not file.exists()
