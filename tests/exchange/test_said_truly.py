"""Mistakes of a newcomer at run time: what the client, the log and the commands say."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from addons.words import commands
from providers.sandbox.server import Request, Site, Wire
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY


@dataclass
class Api(Site):
    """Answers every request with one status and body, whatever its path; counts the chats."""

    status: int = 200
    body: bytes = b""
    form: str = "application/json"
    asked: int = 0

    async def handle(self, request: Request, wire: Wire) -> None:
        self.asked += request.method == "POST"
        await wire.respond(self.status, self.body, self.form)


def error(message: str, **more: str) -> bytes:
    return json.dumps({"error": {"message": message, **more}}).encode()


@pytest.fixture(scope="module")
def apis() -> dict[str, Api]:
    return {
        "nov1": Api(status=404, body=error("Invalid URL (POST /chat/completions)")),
        "website": Api(body=b"<!doctype html><title>Welcome</title>", form="text/html"),
        "badkey": Api(status=401, body=error("Incorrect API key provided", code="invalid_api_key")),
        "nomodel": Api(status=404, body=error("The model no-such does not exist", code="model_not_found")),
    }


@pytest.fixture(scope="module")
def gateway(apis: dict[str, Api], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Sites((), own=apis) as sites:
        urls = sites.description()["base_urls"]
        entry: dict[str, Any] = {"type": "openai_compatible", "accounts": [{"name": "k"}]}
        providers: dict[str, Any] = {name: {**entry, "base_url": urls[name], "models": [f"m-{name}"]} for name in apis}
        for name in ("badkey", "nomodel"):
            providers[name]["base_url"] += "/v1"
        providers["nosess"] = {**entry, "base_url": "https://x.example/v1", "models": ["m-nosess"]}
        providers["beta"] = {**entry, "base_url": "https://x.example/v1", "models": ["m-beta"], "enabled": False}
        twice = {"models": ["m-twice"], "accounts": [{"name": "one"}, {"name": "two"}]}
        providers["twice"] = {**entry, "base_url": urls["badkey"] + "/v1", **twice}
        aliases = {"aliases": {"fast": "m-badkey"}}
        made = Served(
            tmp_path_factory.mktemp("truly"),
            sites,
            providers=providers,
            models=aliases,
            log={"format": "json"},
            **NO_REST,
        )
        for name in (*apis, "beta"):
            made.vault.put(name, "k", {"api_key": "sk-0123456789abcdef"})
        for account in ("one", "two"):
            made.vault.put("twice", account, {"api_key": f"sk-0123456789{account}"})
        with made:
            yield made


def ask(gateway: Served, model: str) -> httpx.Response:
    fields = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return gateway.post(fields)


def logged(gateway: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize(("name", "code"), [("nov1", "provider_misconfigured"), ("website", "upstream_error")])
def test_a_wrong_address_is_asked_once_and_not_called_a_fault(
    gateway: Served, apis: dict[str, Api], name: str, code: str
) -> None:
    before, url = apis[name].asked, gateway.config["providers"][name]["base_url"]
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


def test_a_wrong_key_is_told_with_the_command_of_this_installation(
    gateway: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_here", commands.Installation())  # put back behind the test
    commands.serves(gateway.config_file)
    message = ask(gateway, "m-badkey").json()["error"]["message"]
    said, _, line = message.rpartition(": ")
    assert said.endswith("Incorrect API key provided. Check the key at the provider and store the right one")
    assert line.endswith(f"glassgate --config {gateway.config_file} sessions add badkey k --api-key-stdin")


def test_no_session_is_one_advice(gateway: Served) -> None:
    message = ask(gateway, "m-nosess").json()["error"]["message"]
    assert message.count("sessions add nosess k --api-key-stdin") == 1
    assert message.endswith("--api-key-stdin")
    assert "ign in" not in message


def test_sentences_end_before_the_next_begins(gateway: Served) -> None:
    assert "does not exist. GET /v1/models" in ask(gateway, "m-nomodel").json()["error"]["message"]


def test_a_disabled_provider_is_named(gateway: Served) -> None:
    answer = ask(gateway, "m-beta")
    assert (answer.status_code, "'beta', which is disabled" in answer.text) == (404, True)
    assert "'beta', which is disabled" in gateway.get("/v1/models/m-beta").text
    assert "'beta', which is disabled" in logged(gateway)[-2]["why"]


def test_header_log_and_words_name_one_account(gateway: Served) -> None:
    answer = ask(gateway, "m-twice")
    line = next(line for line in reversed(logged(gateway)) if line.get("id") == answer.headers["x-request-id"])
    named = f"{line['provider']}/{line['account']}"
    assert answer.json()["error"]["message"].startswith(f"[{named}] ")
    assert line["why"].startswith(f"[{named}] ")
    assert answer.headers["x-glassgate-account"] == named
    assert answer.headers["x-glassgate-attempts"] == "2"


def test_the_start_tells_version_address_file_models_and_aliases(gateway: Served) -> None:
    said = next(line["message"] for line in logged(gateway) if "is ready" in line.get("message", ""))
    assert said.startswith("Glassgate ")
    for word in (f"{gateway.url}/v1", str(gateway.config_file), "fast → m-badkey", "nosess/k is missing", "curl "):
        assert word in said
    assert KEY not in said


def test_models_are_listed_with_what_an_alias_stands_for(gateway: Served) -> None:
    assert "fast  → m-badkey\n" in gateway.command("models").stdout


def test_a_bad_file_is_logged_once_however_often_it_is_asked_for(gateway: Served) -> None:
    good = dict(gateway.config)

    def refusals() -> int:
        return sum("is not taken up" in line.get("message", "") for line in logged(gateway))

    before = refusals()
    try:
        gateway.config = {**good, "lissen": {}}
        gateway.write_config()
        for _ in range(2):
            assert "lissen" in gateway.reload().said
        assert refusals() == before + 1
    finally:
        gateway.config = good
        gateway.write_config()
        assert gateway.reload().done
