"""A program that sends a key of another service beside ours: it is served, and the other key is nowhere."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest

from providers.sandbox.run import Sandbox
from providers.sandbox.server import Request, Wire
from tests.support.echoes import found_in
from tests.support.hostile import Hostile
from tests.support.mitmweb import Web, commanded, mitmweb_api, until
from tests.support.processes import KEY, NO_REST, SandboxThread

FOREIGN: Final = "vq7-Lm2_Xc9Tb4Rw8Zs1Kd6Hf3Np5Gy0"
"""Of a form no pattern knows."""
SECOND: Final = "plain-words-as-a-second-key-0815"
CLAUDE_CODE: Final = {"authorization": f"Bearer {KEY}", "x-api-key": FOREIGN}


@dataclass
class Listener(Hostile):
    """Answers everybody, and keeps what came."""

    heard: list[str] = field(default_factory=list)

    async def handle(self, request: Request, wire: Wire) -> None:
        self.heard.append(f"{request.method} {request.path} {dict(request.headers)} {request.body!r}")
        if request.path.startswith("/fails"):
            await wire.respond(500, {"error": {"message": "no"}})
        else:
            await super().handle(request, wire)


@dataclass(frozen=True)
class Kept:
    answers: dict[str, httpx.Response]
    places: dict[str, bytes]


def _asked(http: httpx.Client, headers: Any, *, path: str = "/v1/chat/completions", model: str = "m") -> httpx.Response:
    fields = {"model": model, "stream": False, "messages": [{"role": "user", "content": "Hi"}]}
    return http.post(path, json=fields, headers=headers)


REQUESTS: Final[dict[str, tuple[Any, dict[str, str]]]] = {
    "both variables": (CLAUDE_CODE, {}),
    "the other way round": ({"authorization": f"Bearer {FOREIGN}", "x-api-key": KEY}, {}),
    "a field of one name twice": ([("x-api-key", FOREIGN), ("X-Api-Key", KEY)], {}),
    "one field with both": ({"x-api-key": f"{FOREIGN}, {KEY}"}, {}),
    "the same twice": ({"authorization": f"Bearer {KEY}", "api-key": KEY}, {}),
    "the other in the address too": (CLAUDE_CODE, {"path": f"/v1/chat/completions?key={FOREIGN}"}),
    "no such address": (CLAUDE_CODE, {"path": f"/v1/{FOREIGN}/completions"}),
    "no such model": (CLAUDE_CODE, {"model": "none"}),
    "the provider fails": (CLAUDE_CODE, {"model": "fails"}),
    "both are ours": ({"authorization": f"Bearer {KEY}", "x-api-key": SECOND}, {}),
    "neither is ours": ({"authorization": f"Bearer {FOREIGN}", "x-api-key": FOREIGN[::-1]}, {}),
}
STATUSES: Final = {
    "no such address": 404, "no such model": 404, "the provider fails": 502, "both are ours": 401,
    "neither is ours": 401,
}  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["keys", "auth.skip"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("two-keys")
    folder.chmod(0o700)
    site = Listener()
    with SandboxThread(Sandbox((), own={"hostile": site})) as thread:
        url = thread.description()["base_urls"]["hostile"]
        entries: dict[str, dict[str, Any]] = {
            "well": {"type": "openai_compatible", "base_url": f"{url}/v1", "models": ["m"]},
            "badly": {"type": "openai_compatible", "base_url": f"{url}/fails", "models": ["fails"]},
        }
        for entry in entries.values():
            entry["accounts"] = [{"name": "main"}]
        auth = {"skip": True} if request.param else {"tokens": ["${AUTH_TOKEN}", {"name": "second", "key": SECOND}]}
        web = Web(
            folder,
            providers=entries,
            auth=auth,
            record={"enabled": True, "folder": str(folder / "records")},
            log={"level": "DEBUG"},
            arguments=("-w", str(folder / "saved"), "--set", "termlog_verbosity=debug"),
            **NO_REST,
        )
        for name in entries:
            web.vault.put(name, "main", site.session())
        with web, mitmweb_api(web) as api, httpx.Client(base_url=web.url, timeout=30) as http:
            answers = {name: _asked(http, headers, **how) for name, (headers, how) in REQUESTS.items()}
            until(lambda: len(list((folder / "records").glob("*.glass.json"))) >= len(site.heard))
            flows = api.get("/flows").json()
            commanded(api, "save.har", "@all", str(folder / "all.har"))
            places = {
                "flow list": json.dumps(flows).encode(),
                "event log": api.get("/events").content,
                "dump": api.get("/flows/dump").content,
                "requests": b"\n".join(
                    api.get(f"/flows/{flow['id']}/request/content/raw.json").content for flow in flows
                ),
            }
        places |= {
            "upstream": "\n".join(site.heard).encode(),
            "errors": b"\n".join(answer.content for answer in answers.values()),
            "log": web.log_file.read_bytes(),
            "saved flows": (folder / "saved").read_bytes(),
            "har": (folder / "all.har").read_bytes(),
            "recordings": b"\n".join(path.read_bytes() for path in (folder / "records").iterdir()),
            "beside the vault": b"\n".join(
                path.read_bytes() for path in web.vault_path.parent.iterdir() if path.suffix == ".json"
            ),
        }
    return Kept(answers, places)


@pytest.mark.parametrize("name", REQUESTS)
def test_who_shows_one_key_of_ours_is_served(kept: Kept, name: str, request: pytest.FixtureRequest) -> None:
    expected = STATUSES.get(name, 200)
    if "auth.skip" in request.node.name and expected == 401:
        expected = 200
    assert kept.answers[name].status_code == expected, kept.answers[name].text
    if expected == 401:
        error = kept.answers[name].json()["error"]
        assert error["code"] == "invalid_api_key"
        assert ("two different keys" in error["message"]) == (name == "both are ours")


def test_no_key_stands_anywhere(kept: Kept) -> None:
    keys = {"foreign": FOREIGN, "ours": KEY, "second": SECOND, "backwards": FOREIGN[::-1]}
    for place, content in kept.places.items():
        assert content, place
        assert found_in(content, keys) == [], place
