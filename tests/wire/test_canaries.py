"""No secret stands anywhere: a provider says every kind of secret back in every way, then all that is kept is read."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from mitmproxy.io import FlowReader

from providers.sandbox.run import Sandbox
from tests.support.echoes import FRESH, WAYS, Echo, EchoWeb, error_words, found_in
from tests.support.mitmweb import Web, commanded, mitmweb_api, until
from tests.support.processes import KEY, NO_REST, SandboxThread

KEYS = {
    "key": "ak_9fPq2LzR7tXw4mVbN8sKd3",
    "word": "correct-horse-battery-staple",
    "password": "p\"a'ss wörd/ñ{7} end",
    "cookie": "ZmX%2Fq3.v9+Lk=8s~Tt71nB",
}
"""Of forms no pattern knows."""
OTHERS = [name for name in KEYS if name != "password"]
OTHER_KEY = "plain-words-as-a-clients-key-0815"
WRONG_KEY = "what-somebody-took-for-the-key-4711"
"""No key of the gateway's, but somebody else's, perhaps."""
QUERY_KEY = "what-stood-in-a-query-alone-2222"
SHORT_WORDS = "short/words/only/kept7"
"""A credential none of whose words is long enough to be looked for elsewhere."""
HOST = "HOST"
VIEWS = ("raw", "Chat", "Provider events", "OpenAI stream")


@dataclass(frozen=True)
class Kept:
    """Everything that was told or kept, by place."""

    places: dict[str, bytes]
    answers: dict[str, str]
    """What the client got, by way and secret."""
    heads: bytes
    """The heads of all those answers."""
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("canaries")
    folder.chmod(0o700)
    echo, site = Echo(secrets=KEYS), EchoWeb()
    own = {"echo": echo, "list": Echo(secrets=KEYS), "dead": Echo(secrets=KEYS, refuses=99), "web": site}
    with SandboxThread(Sandbox((), own=own)) as thread:
        web = _gateway(folder, thread, site)
        with web, mitmweb_api(web) as api:
            with _watched(web) as running:
                found = _ask(web)
            answers = {name: answer.text for name, answer in found.items()}
            heads = "\n".join(f"{answer.headers}" for answer in found.values()).encode()
            _knock_badly(web)
            with httpx.Client(base_url=web.url, headers=web.headers, timeout=60) as http:
                _more(http, api)
                until(lambda: len(list((folder / "records").glob("*.glass.json"))) >= len(answers))
                until(lambda: "openai_compatible" in (web.vault_path.parent / "drift.json").read_text())
                places = {"healthz": http.get("/healthz").content, "models": http.get("/v1/models").content}
            places |= _shown(api, folder) | _told(web)
            places["case"] = _case(api, folder)
            places["running flows"] = b"\n".join(running)
    tokens = {f"token {number}": token for number, token in enumerate([site.said, *site.handed_out])}
    clients = {"client key": KEY, "other client key": OTHER_KEY, "wrong client key": WRONG_KEY}
    clients |= {"key in a query": QUERY_KEY, "credential of short words": SHORT_WORDS}
    secrets = {**KEYS, **clients, "fresh cookie": FRESH, **tokens}
    places |= _files(web, folder)
    return Kept(places, answers, heads, secrets)


QUOTES: Final = """
import logging
def requestheaders(flow):
    if flow.request.path.startswith("/v1/chat"):
        logging.getLogger(__name__).warning("quoted: %s", {words!r})
"""
"""Any other script's line in mitmproxy's log, which mitmweb shows too."""


def _gateway(folder: Path, thread: SandboxThread, site: EchoWeb) -> Web:
    urls = thread.description()["base_urls"]
    entries: dict[str, Any] = {
        "echo": {"type": "openai_compatible", "base_url": f"{urls['echo']}/v1", "models": ["m"]},
        "list": {"type": "openai_compatible", "base_url": f"{urls['list']}/v1"},
        "dead": {"type": "openai_compatible", "base_url": f"{urls['dead']}/v1", "models": ["dead"]},
        "site": {"type": "zai", "base_url": urls["web"], "create_chat": True, "delete_chats": True},
    }
    for entry in entries.values():
        entry["accounts"] = [{"name": "main"}]
    record = {"enabled": True, "folder": str(folder / "records")}
    (folder / "quotes.py").write_text(QUOTES.format(words=" ".join(KEYS.values())))
    arguments = ("-w", str(folder / "saved"), "--set", "termlog_verbosity=debug", "-s", str(folder / "quotes.py"))
    auth = {"tokens": ["${AUTH_TOKEN}", OTHER_KEY]}
    web = Web(
        folder, providers=entries, auth=auth, record=record, log={"level": "DEBUG"}, arguments=arguments, **NO_REST
    )
    material = {
        "api_key": KEYS["key"],
        "email": "somebody.particular@home.example",
        "password": KEYS["password"],
        "cookies": {"sid": KEYS["cookie"], "word": KEYS["word"]},
    }
    web.vault.put("echo", "main", material)
    for name in ("list", "dead"):
        web.vault.put(name, "main", {"api_key": KEYS["key"]})
    site.said = site.token(exp=1)  # it has ended: the gateway renews it before the first chat
    web.vault.put("site", "main", {"token": site.said})
    _write_before(web)
    return web


def _write_before(web: Web) -> None:
    """Files of an older version, which kept what it was told."""
    state = {"health": "limited", "since": 1, "until": 4_000_000_000, "reason": f"bad key {KEYS['key']}"}
    beside = web.vault_path.parent
    for name, content in (
        ("accounts.json", {"version": 1, "accounts": {"list/main": {"models": {"old": state}}}}),
        ("drift.json", {"zai": {f"field {KEYS['key']}": {"count": 1, "last": 1, "example": "x"}}}),
    ):
        (beside / name).write_text(json.dumps(content))
        (beside / name).chmod(0o600)


def _fields(model: str, prompt: str, *, stream: bool = True) -> dict[str, Any]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def _ask(web: Web) -> dict[str, httpx.Response]:
    """Every way with the password, whose letters are the oddest, and another secret in turn; plain text with each."""

    def one(number: int, way: str, name: str) -> tuple[str, httpx.Response]:
        stream = "whole" not in way
        found = http.post("/v1/chat/completions", json=_fields("m", f"{number} {name}", stream=stream))
        return f"{way}, {name}", found

    with httpx.Client(base_url=web.url, headers=web.headers, timeout=60) as http, ThreadPoolExecutor(8) as pool:
        names = {
            way: KEYS if way in ("text", "param in the middle") else ("password", OTHERS[n % 3])
            for n, way in enumerate(WAYS)
        }
        jobs = [pool.submit(one, n, way, name) for n, way in enumerate(WAYS) for name in names[way]]
        return dict(job.result() for job in jobs)


@contextmanager
def _watched(web: Web) -> Iterator[list[bytes]]:
    """What mitmweb shows of flows while they are under way, as often as it can be asked."""
    seen: list[bytes] = []
    over = threading.Event()

    def watch() -> None:
        with mitmweb_api(web) as api:
            while not over.is_set():
                flows = api.get("/flows").json()
                seen.append(json.dumps(flows, ensure_ascii=False).encode())
                for flow in [flow for flow in flows if " running " in flow["comment"]][-4:]:
                    for side, view in (("request", "raw"), ("request", "Chat"), ("response", "raw")):
                        seen.append(api.get(f"/flows/{flow['id']}/{side}/content/{view}.json").content)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield seen
        finally:
            over.set()
            watching.result(60)


def _more(http: httpx.Client, api: httpx.Client) -> None:
    """New chats at the other site, a client that quotes the provider, mitmweb's replay button; a refusal at the end."""
    for _ in range(4):
        http.post("/v1/chat/completions", json=_fields("GLM-4.6", "hello"))
    fields = _fields("m", f"{list(WAYS).index('text')} key")
    fields["messages"].insert(0, {"role": "assistant", "content": f"your key is {KEYS['key']}"})
    http.post("/v1/chat/completions", json=fields)
    attempts = [flow for flow in api.get("/flows").json() if "→ echo/main" in flow["comment"] and flow.get("response")]
    answered = next(flow for flow in attempts if "x-key" in dict(flow["response"]["headers"]))
    refused = next(flow for flow in attempts if flow["response"]["status_code"] == 401)
    for flow, then in ((answered, "replayed"), (refused, "not sent again")):
        assert api.post(f"/flows/{flow['id']}/replay").status_code == 200
        until(lambda words=then: words in api.get("/flows").text)  # type: ignore[misc]
    prompt = f"{list(WAYS).index('401 message')} key"
    http.post("/v1/chat/completions", json=_fields("m", prompt))
    http.post("/v1/chat/completions", json=_fields("dead", prompt))  # then the gateway asks the site, and is refused


def _knock_badly(web: Web) -> None:
    """Heads that mitmproxy quotes in its own log."""
    for request in (
        f"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n",
        f"GET /v1/models HTTP/1.1\r\nX-Mine: {OTHER_KEY}\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: {HOST}\r\nX-Own: {KEY}\r\nConnection: close\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {KEY}\r\nX-Own: {OTHER_KEY}\r\n"
        f"{OTHER_KEY}: 1\r\nReferer: http://x.example/{quote(KEY)}\r\nConnection: close\r\n\r\n",
        f"GET /v1/models/{OTHER_KEY} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n",
        f"GET /v1/models/{OTHER_KEY.encode().hex(':')} HTTP/1.1\r\nHost: {HOST}\r\nX-Api-Key: {KEY}\r\n"
        "Connection: close\r\n\r\n",
        f"GET http://{OTHER_KEY}/v1/models HTTP/1.1\r\nHost: {OTHER_KEY}\r\nConnection: close\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {WRONG_KEY}\r\nX-Own: {WRONG_KEY}\r\n"
        "Connection: close\r\n\r\n",
        f"GET /v1/models?key={QUERY_KEY} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n",
        f"GET /v1/models HTTP/1.1\r\nHost: {HOST}\r\nX-Api-Key: {SHORT_WORDS}\r\nConnection: close\r\n\r\n",
        f"{OTHER_KEY} /v1/models HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n",
        f"CONNECT {OTHER_KEY}:443 HTTP/1.1\r\nHost: {OTHER_KEY}:443\r\nProxy-Authorization: Bearer {KEY}\r\n\r\n",
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {KEY}\r\n"
        f"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;{OTHER_KEY}={KEY}\r\n{{}}\r\n"
        f"0\r\nX-Key: {OTHER_KEY}\r\n\r\n",
        _posted(f'{{"model":"{OTHER_KEY}","messages":[{{"role":"{KEY}","content":"x"}}],"{OTHER_KEY}":1}}'),
        _posted(f'{{"model":"{OTHER_KEY}","messages":[{{"role":"user","content":"x"}}]}}'),
        _posted(f'{{"{OTHER_KEY}":1,"{OTHER_KEY}":2,"model":"m"}}'),
        _posted(f"{OTHER_KEY} is no JSON"),
        f"GET /v1/models?key={KEY} {KEY}\r\n\r\n",
        f"\x1b]0;title\x07\r\nFORGED {KEY}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", web.port)) as sock:
            sock.sendall(request.replace(HOST, f"127.0.0.1:{web.port}").encode())
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass


def _posted(body: str) -> str:
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    )


def _shown(api: httpx.Client, folder: Path) -> dict[str, bytes]:
    """What mitmweb shows and exports."""
    flows = api.get("/flows").json()
    places = {"flow list": json.dumps(flows, ensure_ascii=False).encode(), "event log": api.get("/events").content}
    places["dump"] = api.get("/flows/dump").content
    for view in VIEWS:
        shown = [
            api.get(f"/flows/{flow['id']}/{side}/content/{quote(view)}.json").content
            for flow in flows
            for side in ("request", "response")
        ]
        places[f"view {view}"] = b"\n".join(shown)
    commanded(api, "save.har", "@all", str(folder / "all.har"))
    for form in ("curl", "httpie", "raw", "raw_response"):
        places[form] = "\n".join(
            str(commanded(api, "export", form, f"~comment {flow['comment'].split()[1]}"))
            for flow in [flow for flow in flows if flow["comment"]][::7]
        ).encode()
    return places


def _case(api: httpx.Client, folder: Path) -> bytes:
    """A case of a flow onto which somebody has put secrets again; the last thing that is done to any."""
    flow = next(
        flow
        for flow in api.get("/flows").json()
        if "→ echo/main" in flow["comment"] and flow.get("response") and flow["response"]["status_code"] == 200
    )
    said = " ".join([*KEYS.values(), KEY, OTHER_KEY])
    body = {"messages": [{"role": "user", "content": said}]}
    answer = b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": said}}]}).encode() + b"\n\n"
    edited = {"request": {"content": json.dumps(body)}, "response": {"content": answer.decode()}}
    api.put(f"/flows/{flow['id']}", json=edited).raise_for_status()
    told = commanded(api, "gateway.savecase", f"~comment {flow['comment'].split()[1]}", "canary")
    assert "kept as" in told, told
    return b"\n".join(path.read_bytes() for path in folder.rglob("canary*.json")) + str(told).encode()


def _told(web: Web) -> dict[str, bytes]:
    """What the command line says."""
    program = str(Path(sys.executable).with_name("glassgate"))

    def said(command: str) -> bytes:
        arguments = [program, "--config", str(web.config_file), *command.split()]
        result = subprocess.run(arguments, capture_output=True, env=web.environ(), cwd=web.folder, timeout=60)
        return result.stdout + result.stderr

    plain = ("accounts", "doctor", "status", "drift", "models")
    commands = [*plain, *(f"{command} --json" for command in ("accounts", "status", "drift"))]
    with ThreadPoolExecutor(4) as pool:
        return {
            f"glassgate {command}": words for command, words in zip(commands, pool.map(said, commands), strict=True)
        }


def _files(web: Web, folder: Path) -> dict[str, bytes]:
    """What lies on the disk when the gateway has ended."""
    beside = web.vault_path.parent
    found = {name: (beside / name).read_bytes() for name in ("accounts.json", "drift.json")}
    found["log"] = web.log_file.read_bytes()
    found["saved flows"] = (folder / "saved").read_bytes()
    found["har"] = json.dumps(json.loads((folder / "all.har").read_text()), ensure_ascii=False).encode()
    found["recordings"] = b"\n".join(path.read_bytes() for path in sorted((folder / "records").iterdir()))
    with (folder / "saved").open("rb") as file:
        flows = list(FlowReader(file).stream())
    found["metadata"] = json.dumps([flow.metadata for flow in flows], ensure_ascii=False, default=str).encode()
    found["comments"] = "\n".join(flow.comment for flow in flows).encode()
    found["names"] = "\n".join(str(path) for path in folder.rglob("*")).encode()
    return found


PLACES = (
    "healthz", "models", "flow list", "event log", "dump", *(f"view {view}" for view in VIEWS), "curl", "httpie", "raw",
    "raw_response", "glassgate accounts", "glassgate accounts --json", "glassgate doctor", "glassgate status",
    "glassgate status --json", "glassgate drift", "glassgate drift --json", "glassgate models", "accounts.json",
    "drift.json", "log", "saved flows", "har", "recordings", "metadata", "comments", "names", "case", "running flows",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_stands_there(kept: Kept, place: str) -> None:
    assert kept.places[place], "something must have been kept, or nothing is shown"
    assert found_in(kept.places[place], kept.secrets) == []


def test_every_place_is_looked_at(kept: Kept) -> None:
    assert set(kept.places) == set(PLACES)


@pytest.mark.parametrize("way", WAYS)
def test_no_error_of_ours_says_a_secret(kept: Kept, way: str) -> None:
    answers = [answer for name in KEYS if (answer := kept.answers.get(f"{way}, {name}")) is not None]
    assert len(answers) >= 2
    for answer in answers:
        words = error_words(answer)
        assert found_in(words.encode(), kept.secrets) == [], words


def test_the_ways_have_reached_the_places(kept: Kept) -> None:
    """Else the test would show nothing: what was said is there, hidden."""
    for place in (
        "flow list",
        "event log",
        "dump",
        "log",
        "har",
        "recordings",
        "accounts.json",
        "drift.json",
        "healthz",
        "case",
    ):
        assert b"~hidden~" in kept.places[place], place
    assert b"echo-model" in kept.places["models"], "the live list was learnt"
    assert b"~sealed~echo~main~api_key~" in kept.places["saved flows"], "its own secret is told by its name"
    assert sum(bool(error_words(answer)) for answer in kept.answers.values()) > 48


def test_no_head_of_an_answer_says_a_secret(kept: Kept) -> None:
    assert b"x-request-id" in kept.heads
    assert found_in(kept.heads, kept.secrets) == []


def test_what_an_answer_says_goes_to_the_client_as_it_is(kept: Kept) -> None:
    for name, secret in KEYS.items():
        assert json.dumps(secret, ensure_ascii=False)[1:-1] in kept.answers[f"text, {name}"]


def test_one_line_of_the_log_stays_one_line(kept: Kept) -> None:
    for place in ("log", "event log"):
        text = kept.places[place].decode()
        assert "\x1b]0;" not in text
        assert not any(line.startswith("FORGED") for line in text.splitlines())


def test_the_process_was_given_none_of_them() -> None:
    assert not found_in(json.dumps(dict(os.environ)).encode(), KEYS)
