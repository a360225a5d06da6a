"""A session worth looking at in mitmweb: answers of several sites, a fail-over, a refusal, an answer broken off."""

from collections.abc import Iterator
from contextlib import contextmanager
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
                "broken off": asked(web, f"{PROMPT}\n!sandbox fault=truncated", "GLM-4.6"),
                "unknown": asked(web, PROMPT, "no-such-model"),
            }
            models = httpx.get(f"{web.url}/v1/models", headers=web.headers)
            ids["models"] = models.headers["x-request-id"]
            until(lambda: all(flows_of(api, request_id) for request_id in ids.values()))
            secrets = [KEY, web.vault_key, web.password, team.session()["api_key"], *canaries(sites)]
            yield Session(web, api, ids, secrets)
