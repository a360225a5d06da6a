"""Ways in and out: TLS and h2 clients, HTTP proxies, and nothing secret in what is saved."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.script import greeting
from tests.support.forward_proxy import ForwardProxy
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread
from tests.support.self_signed import SelfSignedServer
from tests.support.waiting import until

OFFICIAL, ZAI = "sandbox-large", "GLM-4.6"


def body(model: str, prompt: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **more}


def text_of(stream: str) -> str:
    chunks = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


class ForcedAlpn(ssl.SSLContext):
    """Offers what the test says: httpx always names HTTP/1.1 first, and the gateway takes the client's first choice."""

    offered: list[str]

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols(self.offered)


def tls(*offered: str) -> ssl.SSLContext:
    context = ForcedAlpn(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.offered = list(offered)
    return context


@pytest.mark.anyio
@pytest.mark.parametrize("http2", [False, True])
async def test_tls_clients_with_many_streams_on_one_connection(gateway: Gateway, http2: bool) -> None:
    async with httpx.AsyncClient(
        http2=http2, verify=tls("h2" if http2 else "http/1.1"), headers=gateway.headers, timeout=30
    ) as client:
        url = gateway.url.replace("http://", "https://") + "/v1/chat/completions"
        streams = [client.post(url, json=body(model, stream=True)) for model in [OFFICIAL, ZAI] * 6]
        for answer in await asyncio.gather(*streams):
            assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
            assert answer.status_code == 200
            assert text_of(answer.text) == greeting("Hi")
        whole = await client.post(url, json=body(ZAI))
        assert whole.json()["choices"][0]["message"]["content"] == greeting("Hi")
        refused = await client.post(url, json=body("no-such-model"))
        assert refused.status_code == 404


@pytest.mark.anyio
async def test_an_h2_client_that_cancels_one_stream_keeps_the_others(gateway: Gateway) -> None:
    async with httpx.AsyncClient(http2=True, verify=tls("h2"), headers=gateway.headers, timeout=60) as client:
        url = gateway.url.replace("http://", "https://") + "/v1/chat/completions"
        endless = body(OFFICIAL, "Hi\n!sandbox count=100000 pace_ms=5", stream=True)
        other = asyncio.ensure_future(client.post(url, json=body(ZAI, "Hi\n!sandbox pace_ms=20", stream=True)))
        async with client.stream("POST", url, json=endless) as answer:
            async for _ in answer.aiter_raw():
                break
        assert text_of((await other).text) == greeting("Hi")


def test_a_proxy_is_used_for_steps_and_streams_alike(sites: SandboxThread, folder: Path) -> None:
    with ForwardProxy() as proxy:
        providers = {"zai": {"proxy": proxy.url}, "official": {"proxy": proxy.url}}
        with (
            Gateway(folder, sites.description(), providers=providers) as gateway,
            openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client,
        ):
            for model in (ZAI, OFFICIAL):
                answer = client.chat.completions.create(**body(model))
                assert answer.choices[0].message.content == greeting("Hi")
        targets = {sites.description()["base_urls"][name].removeprefix("http://") for name in ("zai", "openai")}
        assert set(proxy.asked) == {f"CONNECT {target}" for target in targets}  # (Z.AI's steps come first, by the same)


def test_no_secret_stands_in_logs_or_saved_flows(sites: SandboxThread, folder: Path) -> None:
    saved = folder / "flows"
    har = folder / "kept.har"
    arguments = ("-w", str(saved), "--set", f"hardump={har}", "--set", "termlog_verbosity=debug")
    with (
        Gateway(
            folder, sites.description(), arguments=arguments, by_itself=True, log={"level": "DEBUG"}, **NO_REST
        ) as gateway,
        httpx.Client(base_url=gateway.url, headers=gateway.headers) as http,
    ):
        qwen = sites.site("qwen").people
        gateway.vault.put("qwen", "demo", qwen.session(life_s=-5))  # renewed on the way: new secrets come in answers
        for model in (OFFICIAL, ZAI, "qwen3.7-plus", "LongCat", "MBZUAI-IFM/K2-Think"):
            for fault in ("", "\n!sandbox fault=429", "\n!sandbox fault=truncated"):
                http.post("/v1/chat/completions", json=body(model, f"canary prompt{fault}", stream=True))
        command_line = Path(f"/proc/{gateway.process.pid}/cmdline").read_bytes() if gateway.process else b""
    canaries = [KEY, gateway.vault_key, sites.site("openai").key, *sites.site("zai").tokens]
    canaries += [*qwen.access, *qwen.refresh, *sites.site("longcat").tokens, *sites.site("k2think").tokens]
    flows = saved.read_bytes()
    assert b"~sealed~zai~demo~token~" in flows
    assert b"~sealed~official~demo~api_key~" in flows
    for canary in canaries:
        assert canary.encode() not in flows
        assert canary not in gateway.log
        assert canary not in har.read_text(encoding="utf-8")
        assert canary.encode() not in command_line
    assert "canary prompt" not in gateway.log


def test_a_provider_with_a_wrong_certificate_gets_nothing(sites: SandboxThread, folder: Path) -> None:
    with SelfSignedServer(folder) as server:
        assert unreachable(sites, folder, f"https://127.0.0.1:{server.port}/v1") == (502, "upstream_tls")
    assert server.received == b""


def unreachable(sites: SandboxThread, folder: Path, base_url: str) -> tuple[int, str]:
    providers = {"official": {"base_url": base_url}}
    with (
        Gateway(folder, sites.description(), providers=providers) as gateway,
        httpx.Client(base_url=gateway.url, headers=gateway.headers, timeout=60) as http,
    ):
        answer = http.post("/v1/chat/completions", json=body(OFFICIAL, stream=True))
        return answer.status_code, answer.json()["error"]["code"]


def test_the_wrong_vault_key_does_not_start(sites: SandboxThread, folder: Path) -> None:
    gateway = Gateway(folder, sites.description())
    environ = {**gateway.environ(), "SESSION_ENCRYPTION_KEY": "ab" * 32}
    done = subprocess.run(gateway.command(), env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "does not open this vault" in done.stdout + done.stderr


def test_a_mode_without_an_address_listens_where_the_configuration_says(sites: SandboxThread, folder: Path) -> None:
    gateway = Gateway(folder, sites.description())
    command = gateway.command()
    at = command.index("--listen-host")
    command[at : at + 4] = []
    command[command.index("--mode") + 1] = f"reverse:http://127.0.0.1:1@{gateway.port}"
    gateway.command = lambda: command  # type: ignore[method-assign]
    with gateway:
        until(lambda: not answers("127.0.0.2", gateway.port))
        assert answers("127.0.0.1", gateway.port)


def answers(host: str, port: int) -> bool:
    try:
        return httpx.get(f"http://{host}:{port}/healthz", headers={"host": "127.0.0.1"}, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
