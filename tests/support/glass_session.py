"""A session worth looking at in mitmweb: answers of several sites, a fail-over, a refusal, an answer broken off.

And what is under way in it: a stream that goes on, a request that is held back.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from providers.sandbox.run import Sandbox
from tests.support.canaries import canaries
from tests.support.hostile import Hostile, head, sends
from tests.support.mitmweb import MODEL, Web, asked, flows_of, mitmweb_api
from tests.support.processes import KEY, SandboxThread
from tests.support.waiting import until

PROMPT = "What is the sea made of?"
LONG_TEXT = "all of it in one line, " * 12 + "https://example.com/" + "unbroken/" * 30
_BUSY = b'{"error":{"message":"The engine is overloaded, please try again later"}}'


@dataclass(frozen=True)
class Session:
    """What was asked: ids of requests by what became of them; and every secret that may stand nowhere."""

    web: Web
    api: httpx.Client
    ids: dict[str, str]
    secrets: list[str]

    def flow(self, what: str) -> str:
        """The flow that carries the answer to a request."""
        found = [flow for flow in flows_of(self.api, self.ids[what]) if "preparing" not in flow["comment"]]
        return str(found[-1]["id"] if what != "fail-over" else _answered(found))

    @contextmanager
    def running(self, model: str, prompt: str = PROMPT) -> Iterator[str]:
        """A stream that has said some words and stands still until the end of the `with`; gives the request's id."""
        fields = _chat(model, f"{prompt}\n!sandbox stall_after=9")
        url = f"{self.web.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=fields, headers=self.web.headers, timeout=30) as answer:
            lines = answer.iter_lines()  # which, once it is given up, ends the stream
            next(line for line in lines if _says_something(line))
            yield answer.headers["x-request-id"]
            del lines

    @contextmanager
    def intercepted(self, model: str, prompt: str = PROMPT) -> Iterator[str]:
        """A request that Intercept has stopped, dropped at the end of the `with`; gives its flow's id."""
        self.api.put("/options", json={"intercept": "~q & ~u completion"}).raise_for_status()
        try:
            with ThreadPoolExecutor(1) as pool:
                url, fields = f"{self.web.url}/v1/chat/completions", _chat(model, prompt)
                asking = pool.submit(httpx.post, url, json=fields, headers=self.web.headers, timeout=60)
                until(lambda: bool(self._stopped()))
                (flow,) = self._stopped()
                yield flow
                self.api.post(f"/flows/{flow}/kill").raise_for_status()
                with suppress(httpx.HTTPError):
                    asking.result()
        finally:
            self.api.put("/options", json={"intercept": None}).raise_for_status()

    def _stopped(self) -> list[str]:
        return [str(flow["id"]) for flow in self.api.get("/flows").json() if flow["intercepted"]]


def _chat(model: str, prompt: str) -> dict[str, object]:
    return {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}


def _says_something(line: str) -> bool:
    choices = json.loads(line[5:])["choices"] if line.startswith("data: {") else []
    return any(choice["delta"].get("content") for choice in choices)


def _answered(flows: list[dict[str, object]]) -> object:
    return next(flow["id"] for flow in flows if " ok " in str(flow["comment"]))


@contextmanager
def glass_session(folder: Path) -> Iterator[Session]:
    """Plays the session against the sandbox; it can be looked at until the end of the `with`."""
    team = Hostile(name="team")
    team.programs[PROMPT.split()[0]] = sends(
        head(f"content-length: {len(_BUSY)}", status="503 Service Unavailable", kind="application/json") + _BUSY
    )
    sandbox = Sandbox()
    with SandboxThread(sandbox) as sites, SandboxThread(Sandbox((), own={"team": team})) as other:
        folder.chmod(0o700)
        described = sites.description()
        entry = {
            "type": "openai_compatible",
            "base_url": f"{other.description()['base_urls']['team']}/v1",
            "models": [MODEL],
            "accounts": [{"name": "key", "priority": -1}],
        }
        web = Web(folder, described, providers={"team": entry}, cooldown={"enabled": False})
        web.vault.put("team", "key", team.session())
        with web, mitmweb_api(web) as api:
            ids = {
                "thinking": asked(web, PROMPT, "GLM-4.6-Thinking"),
                "fail-over": asked(web, PROMPT, MODEL),
                "search": asked(web, f"{PROMPT}\n!sandbox variant=two_searches", "qwen3.7-plus-search"),
                "broken off": asked(web, f"{PROMPT}\n!sandbox fault=error_after_text", "GLM-4.6"),
                "long": asked(web, f"{PROMPT} {LONG_TEXT}\n!sandbox text={LONG_TEXT!r} pace_ms=0", "GLM-4.6"),
                "unknown": asked(web, PROMPT, "no-such-model"),
            }
            models = httpx.get(f"{web.url}/v1/models", headers=web.headers)
            ids["models"] = models.headers["x-request-id"]
            until(lambda: all(flows_of(api, request_id) for request_id in ids.values()))
            secrets = [KEY, web.vault_key, web.password, team.session()["api_key"], *canaries(sites)]
            yield Session(web, api, ids, secrets)
