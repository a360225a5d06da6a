"""What mitmweb shows of requests while they are under way: their story, what has arrived, their order; no secret."""

import asyncio
import base64
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from addons.cleaning.index import PIECE
from addons.mitm.web_order import ORDERED
from providers.sandbox.run import Sandbox
from providers.sandbox.server import Request, Wire
from tests.support.echoes import EchoWeb, found_in
from tests.support.gate import Gate
from tests.support.hostile import CHUNKED, DONE, END, Hostile, Program, chunk, framed, head, once, sends
from tests.support.mitmweb import Web, commanded, mitmweb_api, open_page
from tests.support.processes import SandboxThread
from tests.support.waiting import until

SECRET = "ak_9fPq2LzR7tXw4mVbN8sKd3"
BUSY = sends(head("content-length: 2", status="503 Busy", kind="application/json") + b"{}")
VIEWS = ("raw", "Chat", "Provider events", "OpenAI stream")


class SlowChats(EchoWeb):
    """Z.AI's form: a chat is made when the test says so."""

    gate: Gate

    async def _new_chat(self, wire: Wire) -> None:
        await self.gate.passed()
        await wire.respond(200, {"id": "a-new-chat"})

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.path.endswith("/chats/new"):
            await self._new_chat(wire)
        else:
            await super().handle(request, wire)


@dataclass
class Stage:
    """A gateway in mitmweb, and the site that plays what a test asks for."""

    web: Web
    api: httpx.Client
    site: Hostile
    chats: SlowChats
    pool: ThreadPoolExecutor

    def asks(self, prompt: str, model: str = "m", *, stream: bool = True) -> "Asked":
        """Asks in the background; gives what runs."""
        before = {flow["id"] for flow in self.flows()}
        fields = {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
        url = f"{self.web.url}/v1/chat/completions"
        answer = self.pool.submit(httpx.post, url, json=fields, headers=self.web.headers, timeout=60)
        until(lambda: any(flow["id"] not in before and "running" in flow["comment"] for flow in self.flows()))
        flow = next(one for one in self.flows() if one["id"] not in before and "running" in one["comment"])
        return Asked(self, flow["id"], answer)

    def leaves(self, prompt: str) -> tuple[socket.socket, "Asked"]:
        """As `asks`, over a socket of the test's own: to close it is to leave."""
        before = {flow["id"] for flow in self.flows()}
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]})
        lines = "\r\n".join(f"{name}: {value}" for name, value in self.web.headers.items())
        sock = socket.create_connection(("127.0.0.1", self.web.port))
        start = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{self.web.port}\r\n{lines}\r\n"
        sock.sendall(f"{start}content-length: {len(body)}\r\n\r\n{body}".encode())
        until(lambda: any(flow["id"] not in before and "running" in flow["comment"] for flow in self.flows()))
        flow = next(one for one in self.flows() if one["id"] not in before and "running" in one["comment"])
        return sock, Asked(self, flow["id"], Future())

    def flows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("/flows").json()
        return found


@dataclass
class Asked:
    stage: Stage
    id: str
    answer: Future[httpx.Response]

    @property
    def flow(self) -> dict[str, Any]:
        return next(flow for flow in self.stage.flows() if flow["id"] == self.id)

    def says(self, *words: str) -> str:
        """Its story, once these words stand in it."""
        until(lambda: all(word in self.flow["comment"] for word in words))
        return str(self.flow["comment"])

    def shown(self, side: str, view: str) -> str:
        found = self.stage.api.get(f"/flows/{self.id}/{side}/content/{quote(view)}.json")
        return str(found.json()["text"]) if found.status_code == 200 else ""

    def ends(self) -> httpx.Response:
        return self.answer.result(60)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("live")
    folder.chmod(0o700)
    site, chats = Hostile(), SlowChats()
    with SandboxThread(Sandbox((), own={"hostile": site, "web": chats})) as thread:
        urls = thread.description()["base_urls"]
        accounts = [{"name": "main"}]
        official = {"type": "openai_compatible", "base_url": f"{urls['hostile']}/v1", "accounts": accounts}
        entries: dict[str, Any] = {
            "p": {**official, "models": ["m"]},
            "q": {**official, "models": ["two"]},
            "r": {**official, "models": ["two"]},
            "site": {"type": "zai", "base_url": urls["web"], "create_chat": True, "accounts": accounts},
        }
        rest: dict[str, Any] = {"breaker": {"enabled": False}, "cooldown": {"enabled": False}}
        rest |= {"retries": {"base_s": 60, "cap_s": 60}, "accounts": {"max_concurrent": 1}}
        web = Web(folder, providers=entries, **rest)
        for name in ("p", "q", "r"):
            web.vault.put(name, "main", {"api_key": SECRET})
        web.vault.put("site", "main", {"token": chats.token(exp=4_000_000_000)})
        with web, mitmweb_api(web) as api, ThreadPoolExecutor(8) as pool:
            yield Stage(web, api, site, chats, pool)


def speaks_until(gate: Gate, *before: bytes, after: tuple[bytes, ...] = (chunk(finish="stop"), DONE)) -> Program:
    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED))
        for piece in before:
            await wire.raw(framed(piece))
        await gate.passed()
        for piece in after:
            await wire.raw(framed(piece))
        await wire.raw(END)

    return program


# -- what has arrived -------------------------------------------------------------------------------------------------
def test_a_running_stream_shows_what_has_come(stage: Stage) -> None:
    gate = Gate()
    words = ("Once there was ", "a stream of words")
    stage.site.programs["slowly"] = speaks_until(gate, *map(chunk, words))
    running = stage.asks("slowly please")
    story = running.says("first ", "2 events so far")
    assert story.startswith("▷ req_")
    assert " running     m → p/main first " in story
    assert "text 'a stream of words'" in running.shown("response", "Provider events")
    assert "Once there was a stre" in running.shown("request", "Chat")
    assert "slowly please" in running.shown("request", "Chat")
    assert "stream" in running.shown("response", "OpenAI stream")
    assert running.shown("response", "raw") == b"".join(map(chunk, words)).decode()
    assert "still runs" in str(commanded(stage.api, "gateway.savecase", f"~comment {story.split()[1]}", "early"))
    gate.open()
    running.ends()
    assert running.says(" ok ", " tok").startswith("✓ req_")
    said = b"".join(map(chunk, words)) + chunk(finish="stop") + DONE
    assert running.shown("response", "raw") == said.decode()
    assert running.flow["response"]["contentLength"] == len(said)


def test_a_whole_answer_shows_the_provider_s_stream_meanwhile(stage: Stage) -> None:
    gate = Gate()
    stage.site.programs["wholly"] = speaks_until(gate, chunk("one "))
    running = stage.asks("wholly", stream=False)
    running.says("1 event so far")
    assert "one" in running.shown("response", "raw")
    gate.open()
    assert running.ends().json()["choices"][0]["message"]["content"] == "one "
    assert "tok/s" not in running.says(" ok ", "tokens")


def test_a_page_that_is_open_is_told_of_what_comes(stage: Stage) -> None:
    """As mitmweb's own page is: over its websocket. Chat is read again: the hash of the request says so."""
    gate = Gate()
    stage.site.programs["told"] = speaks_until(gate, chunk("one "))

    cookie = httpx.get(f"http://127.0.0.1:{stage.web.web_port}/?token={stage.web.password}").headers["set-cookie"]

    async def looks() -> dict[str, Any]:
        async with open_page(stage.web, cookie=cookie.partition(";")[0]) as page:
            asks = asyncio.ensure_future(asyncio.to_thread(stage.asks, "told"))
            while True:
                message = json.loads(await page.read_message() or "{}")
                flow = message["payload"].get("flow") if message["type"] == "flows/update" else None
                if flow and "event so far" in flow["comment"]:
                    break
            running = await asks
            gate.open()
            running.ends()
            return dict(flow)

    flow = asyncio.run(asyncio.wait_for(looks(), 60))
    assert flow["response"]["contentLength"] == len(chunk("one "))
    assert "-" in flow["request"]["contentHash"]


def test_a_running_stream_that_is_dropped_is_cut(stage: Stage) -> None:
    gate = Gate()
    stage.site.programs["cut"] = speaks_until(gate, chunk("one "))
    running = stage.asks("cut")
    running.says("1 event so far")
    stage.api.post(f"/flows/{running.id}/kill").raise_for_status()
    gate.open()
    with pytest.raises(httpx.HTTPError):
        running.ends()
    until(lambda: " running " not in running.flow["comment"])
    assert running.shown("response", "raw") == chunk("one ").decode()


# -- the story --------------------------------------------------------------------------------------------------------
def test_an_intercepted_request_tells_its_story_and_says_who_held_it(stage: Stage) -> None:
    stage.api.put("/options", json={"intercept": "~q & ~u completions"}).raise_for_status()
    running = stage.asks(f"hold this, {SECRET}")
    until(lambda: running.flow["intercepted"])
    stage.api.put("/options", json={"intercept": None}).raise_for_status()
    assert running.flow["comment"].endswith("running     m → p/main stopped by you, not sent yet")
    assert "hold this" in running.shown("request", "Chat")
    assert SECRET not in running.shown("request", "raw") + running.shown("request", "Chat")
    stage.api.post(f"/flows/{running.id}/resume").raise_for_status()
    running.ends()
    assert "s by you)" in running.says(" ok ", "(held ")
    assert SECRET in stage.site.requests[-1].json()["messages"][0]["content"], "the provider gets what was asked"


def test_in_line_for_an_account(stage: Stage) -> None:
    gate = Gate()
    stage.site.programs["long"] = speaks_until(gate, chunk("one "))
    first = stage.asks("long")
    second = stage.asks("after it")
    assert second.says("running").endswith("running     m waiting for a turn")
    gate.open()
    assert [one.ends().status_code for one in (first, second)] == [200, 200]


def test_between_two_attempts(stage: Stage) -> None:
    stage.site.programs["busy"] = BUSY
    sock, running = stage.leaves("busy")
    assert running.says("attempt 2 of 3").endswith(
        "running     m → p/main attempt 2 of 3 pausing before another attempt"
    )
    sock.close()
    running.says("client_left")


def test_a_fail_over_stands_in_the_order_of_time(stage: Stage) -> None:
    gate = Gate()
    stage.site.programs["fails"] = once(BUSY, speaks_until(gate, chunk("one ")))
    running = stage.asks("fails", "two")
    running.says("attempt 2 of 3", "1 event so far")
    first, second = [flow for flow in stage.flows() if running.flow["comment"].split()[1] in flow["comment"]]
    assert first["comment"].startswith("↪ ")
    assert " attempt 1 of 3 after " in first["comment"]
    assert second["id"] == running.id
    assert first["timestamp_created"] < second["timestamp_created"], "mitmweb's page orders by this"
    assert first["request"]["timestamp_start"] <= first["response"]["timestamp_end"]
    assert first["response"]["timestamp_end"] <= second["request"]["timestamp_start"]
    gate.open()
    running.ends()


def test_while_a_chat_is_made(stage: Stage) -> None:
    stage.chats.gate = Gate()
    running = stage.asks("hello there", "GLM-4.6")
    assert running.says("preparing").endswith("running     GLM-4.6 → site/main preparing")
    until(lambda: "hello there" in running.shown("request", "Chat"))
    stage.chats.gate.open()
    running.ends()
    step, chat = [flow for flow in stage.flows() if running.flow["comment"].split()[1] in flow["comment"]][:2]
    assert step["comment"].startswith(
        f"⚙ {running.flow['comment'].split()[1]} preparing   site/main: POST /api/v1/chats"
    )
    assert "GLM-4.6" in chat["comment"]
    assert step["request"]["timestamp_start"] < chat["request"]["timestamp_start"]


# -- the end ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["leaves", "dropped", "dropped in line", "edited", "reverted"])
def test_nothing_runs_for_ever(stage: Stage, how: str) -> None:
    """However a request ends, its flow says so, and its place is free for the next one."""
    gate, name = Gate(), how.replace(" ", "-")
    stage.site.programs[name] = speaks_until(gate, chunk("one "))
    sock, running = stage.leaves(name)
    running.says("1 event so far")
    other, ending = sock, running
    if how == "dropped in line":
        other, ending = stage.leaves("after it")
        ending.says("waiting for a turn")
    if how.startswith("dropped"):
        stage.api.post(f"/flows/{ending.id}/kill").raise_for_status()
    if how in ("edited", "reverted"):
        edited = {"comment": "mine", "response": {"content": "edited"}, "request": {"content": "edited"}}
        stage.api.put(f"/flows/{running.id}", json=edited).raise_for_status()
    if how == "reverted":
        stage.api.post(f"/flows/{running.id}/revert").raise_for_status()
    if how != "dropped":
        sock.close()
    gate.open()
    until(lambda: "running" not in running.flow["comment"] and "running" not in ending.flow["comment"])
    for one in (sock, other):
        one.close()
    fields = {"model": "m", "messages": [{"role": "user", "content": "and now"}]}
    url = f"{stage.web.url}/v1/chat/completions"
    assert httpx.post(url, json=fields, headers=stage.web.headers, timeout=60).status_code == 200


# -- no secret --------------------------------------------------------------------------------------------------------
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda said: "".join(f"%{byte:02X}" for byte in said.encode()),
    "base64": lambda said: base64.b64encode(f"a{said} and more".encode()).decode(),
    "hexadecimal": lambda said: said.encode().hex(":"),
    "cut at the end": lambda said: said[:-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_no_secret_stands_in_a_running_flow(stage: Stage, form: str) -> None:
    gate, name = Gate(), form.replace(" ", "-")
    said = FORMS[form](SECRET)
    begun = chunk(f"it is {said}")
    stage.site.programs[name] = speaks_until(gate, chunk("one "), begun + begun[: begun.index(b"it is ") + 17])
    running = stage.asks(f"{name} was {SECRET}")
    running.says("2 events so far")
    places = {
        "list": json.dumps(stage.flows()),
        "dump": stage.api.get("/flows/dump").content.decode("utf-8", "replace"),
        "curl": str(commanded(stage.api, "export", "curl", f"~comment {running.flow['comment'].split()[1]}")),
        **{f"{side}, {view}": running.shown(side, view) for side in ("request", "response") for view in VIEWS},
    }
    gate.open()
    running.ends()
    for place, words in places.items():
        assert words, place
        assert found_in(words.encode(), {"key": SECRET}) == [], place
    shown = places["response, raw"]
    assert shown.count("it is ") == 1, "of the event that is not whole nothing is shown"
    assert "hidden" in shown or "~sealed~p~main~api_key~" in shown


def test_of_a_secret_that_is_said_letter_by_letter_chat_shows_nothing(stage: Stage) -> None:
    gates = [Gate() for _ in range(2)]
    text = f"The key is: {SECRET}"

    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED))
        said = 0
        for gate, upto in zip(gates, (len(text) - len(SECRET) + PIECE - 1, len(text)), strict=True):
            for letter in text[said:upto]:
                await wire.raw(framed(chunk(letter)))
            said = upto
            await gate.passed()
        await wire.raw(framed(chunk(finish="stop") + DONE) + END)

    stage.site.programs["letters"] = program
    running = stage.asks("letters")
    for gate, count in zip(gates, (23, 37), strict=True):
        running.says(f" {count} events so far")
        shown = running.shown("request", "Chat")
        assert "The key is:" in shown
        assert SECRET[:4] not in shown
        gate.open()
    running.ends()


# -- the page ---------------------------------------------------------------------------------------------------------
def test_the_page_lists_in_the_order_of_time(stage: Stage) -> None:
    page = stage.api.get("/").text
    (script,) = re.findall(r'src="\./(static/index-[^"]+\.js)"', page)
    assert ORDERED in stage.api.get(f"/{script}").content
