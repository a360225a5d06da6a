"""mitmweb's own buttons on gateway flows: intercept, edit, resume, drop, duplicate, revert, replay, mark, export."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from addons.inspect.summary import short_id
from tests.support.canaries import canaries
from tests.support.mitmweb import MODEL, Web, asked, commanded, flows_of
from tests.support.processes import KEY, SandboxThread
from tests.support.waiting import until


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def intercepting(api: httpx.Client) -> Iterator[None]:
    api.put("/options", json={"intercept": "~q & ~u chat/completions"}).raise_for_status()
    yield
    api.put("/options", json={"intercept": None}).raise_for_status()


def stopped(api: httpx.Client) -> list[dict[str, Any]]:
    return [flow for flow in api.get("/flows").json() if flow["intercepted"]]


def held(web: Web, api: httpx.Client, pool: ThreadPoolExecutor, prompt: str) -> tuple[dict[str, Any], Future[Any]]:
    """A request that has been stopped on its way to the provider."""
    future = pool.submit(
        httpx.post,
        f"{web.url}/v1/chat/completions",
        json={"model": MODEL, "messages": [{"role": "user", "content": prompt}]},
        headers=web.headers,
        timeout=60,
    )
    until(lambda: len(stopped(api)) == 1)
    return stopped(api)[0], future


def content_of(api: httpx.Client, flow: dict[str, Any], side: str = "request") -> Any:
    return json.loads(api.get(f"/flows/{flow['id']}/{side}/content.data").content)


def test_what_is_intercepted_waits_and_goes_out_as_edited(
    web: Web, api: httpx.Client, sites: SandboxThread, pool: ThreadPoolExecutor, intercepting: None
) -> None:
    site = sites.site("openai")
    before = len(site.requests)
    flow, future = held(web, api, pool, "stop here")
    assert len(site.requests) == before, "nothing goes out before it is let go"
    body = content_of(api, flow)
    assert body["messages"][-1]["content"] == "stop here"
    body["messages"][-1]["content"] = "said otherwise"
    api.put(f"/flows/{flow['id']}", json={"request": {"content": json.dumps(body)}}).raise_for_status()
    api.post(f"/flows/{flow['id']}/resume").raise_for_status()
    assert future.result(60).status_code == 200
    assert site.requests[-1].json()["messages"][-1]["content"] == "said otherwise"
    assert site.requests[-1].bearer == site.key, "the real secret is put in at the wire all the same"


def test_what_is_dropped_is_not_sent_and_frees_its_place(
    web: Web, api: httpx.Client, sites: SandboxThread, pool: ThreadPoolExecutor, intercepting: None
) -> None:
    site = sites.site("openai")
    before = len(site.requests)
    flow, future = held(web, api, pool, "drop this")
    api.post(f"/flows/{flow['id']}/kill").raise_for_status()
    with pytest.raises(httpx.HTTPError):
        future.result(60)
    assert len(site.requests) == before
    api.put("/options", json={"intercept": None}).raise_for_status()
    assert asked(web, "the next one")


def test_a_duplicate_is_edited_sent_and_reverted(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    site = sites.site("openai")
    (flow,) = flows_of(api, asked(web, "the first words"))
    twin = {"id": api.post(f"/flows/{flow['id']}/duplicate").text}
    body = content_of(api, twin)
    body["messages"][-1]["content"] = "other words"
    api.put(f"/flows/{twin['id']}", json={"request": {"content": json.dumps(body)}}).raise_for_status()
    before = len(site.requests)
    api.post(f"/flows/{twin['id']}/replay").raise_for_status()
    until(lambda: len(site.requests) == before + 1)
    assert site.requests[-1].json()["messages"][-1]["content"] == "other words"
    assert site.requests[-1].bearer == site.key
    until(lambda: any("replayed" in f["comment"] for f in api.get("/flows").json() if f["id"] == twin["id"]))
    api.post(f"/flows/{twin['id']}/revert").raise_for_status()
    assert content_of(api, twin)["messages"][-1]["content"] == "the first words"
    assert content_of(api, flow)["messages"][-1]["content"] == "the first words"


def test_marks_and_comments_can_be_changed(web: Web, api: httpx.Client) -> None:
    (flow,) = flows_of(api, asked(web, "mark me"))
    api.put(f"/flows/{flow['id']}", json={"marked": ":red_circle:", "comment": "look at this"}).raise_for_status()
    again = next(f for f in api.get("/flows").json() if f["id"] == flow["id"])
    assert (again["comment"], bool(again["marked"])) == ("look at this", True)


@pytest.mark.parametrize("form", ["curl", "httpie"])
def test_a_command_line_export_has_placeholders_and_says_so(web: Web, api: httpx.Client, form: str) -> None:
    (flow,) = flows_of(api, asked(web, "export me"))
    exported = commanded(api, "export", form, f"~comment {flow['comment'].split()[1]}")
    assert "~sealed~official~demo~api_key~" in exported
    assert "stands for a secret" in exported.splitlines()[-1]
    assert exported.splitlines()[-1].startswith("#")


def test_the_filters_of_the_docs_find_what_they_say(web: Web, api: httpx.Client) -> None:
    request_id = asked(web, "oops\n!sandbox fault=503")
    until(lambda: len(flows_of(api, request_id)) == 3)
    asked(web, "Hi", "GLM-4.6")
    everything = api.get("/flows").json()

    def found(expression: str) -> set[str]:
        api.put("/options", json={"view_filter": expression}).raise_for_status()
        return {flow["id"] for flow in everything if flow["id"] in shown_by(api, expression)}

    def those(word: str) -> set[str]:
        return {flow["id"] for flow in everything if word in flow["comment"]}

    for expression, word in (
        (f"~comment {short_id(request_id)}", short_id(request_id)),
        ('~comment "GLM-4.6 "', "GLM-4.6 "),
        ("~comment zai/demo", "zai/demo"),
        ("~comment failed", "failed"),
    ):
        assert found(expression) == those(word) != set(), expression
    assert found(f"~meta {request_id}") == those(short_id(request_id)), "the whole id, as the answer's header has it"
    assert found("~marked") == {flow["id"] for flow in everything if flow["marked"]} != set()
    api.put("/options", json={"view_filter": None}).raise_for_status()


def shown_by(api: httpx.Client, expression: str) -> set[str]:
    """The flows a filter expression matches, by mitmproxy's own reading of it."""
    saved = api.get("/flows/dump", params={"filter": expression}).content
    return ids_in(saved)


def ids_in(saved: bytes) -> set[str]:
    import io

    from mitmproxy.io import FlowReader

    return {flow.id for flow in FlowReader(io.BytesIO(saved)).stream()}


# -- flows out of a file ----------------------------------------------------------------------------------------------
def saved_flow(api: httpx.Client, request_id: str) -> bytes:
    """A flow file with the request's one flow."""
    until(lambda: len(flows_of(api, request_id)) == 1)
    return api.get("/flows/dump", params={"filter": f"~comment {short_id(request_id)}"}).content


def loaded(api: httpx.Client, saved: bytes) -> dict[str, Any]:
    """The one flow of a flow file, once mitmweb has it."""
    files = {"file": ("flows", saved)}
    api.post("/flows/dump", files=files).raise_for_status()
    until(lambda: ids_in(saved) == {flow["id"] for flow in api.get("/flows").json()})
    (flow,) = api.get("/flows").json()
    return dict(flow)


def replayed(api: httpx.Client, flow: dict[str, Any], word: str) -> None:
    api.post(f"/flows/{flow['id']}/replay").raise_for_status()
    until(lambda: any(word in f["comment"] for f in api.get("/flows").json() if f["id"] == flow["id"]))


@pytest.mark.parametrize(("model", "site_name"), [(MODEL, "openai"), ("MBZUAI-IFM/K2-Think", "k2think")])
def test_a_flow_out_of_a_file_is_sent_again(
    web: Web, api: httpx.Client, sites: SandboxThread, model: str, site_name: str
) -> None:
    site = sites.site(site_name)
    saved = saved_flow(api, asked(web, "keep me", model))
    flow = loaded(api, saved)
    before = len(site.requests)
    replayed(api, flow, "replayed")
    assert len(site.requests) == before + 1
    assert "sealed" not in site.requests[-1].bearer
    assert site.requests[-1].json()["messages"][-1]["content"] == "keep me"


def test_a_foreign_flow_gets_no_secret(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    """One that somebody has written: the note on it is copied from ours, its headers ask for more."""
    import io

    from mitmproxy import http
    from mitmproxy.io import FlowReader, FlowWriter

    site = sites.site("openai")
    saved = saved_flow(api, asked(web, "keep me too"))
    (ours,) = FlowReader(io.BytesIO(saved)).stream()
    assert isinstance(ours, http.HTTPFlow)
    ours.request.headers["x-more"] = "~sealed~official~demo~api_key~"
    ours.request.headers["x-other"] = "~sealed~k2think~demo~token~"
    places = ours.metadata["glassgate_places"]
    places["places"] = [*places["places"], ["header", "x-more", [["api_key"]]]]
    written = io.BytesIO()
    FlowWriter(written).add(ours)
    flow = loaded(api, written.getvalue())
    before = len(site.requests)
    replayed(api, flow, "replayed")
    seen = site.requests[before]
    assert seen.headers["x-more"] == "~sealed~official~demo~api_key~"
    assert seen.headers["x-other"] == "~sealed~k2think~demo~token~"
    assert site.key not in str(seen.headers), "a note that was changed opens nothing at all"


# -- the canary -------------------------------------------------------------------------------------------------------
def test_no_export_holds_a_secret(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    for model in ("GLM-4.6", "sandbox-large", "qwen3.7-plus", "LongCat", "MBZUAI-IFM/K2-Think"):
        for prompt in ("tell me", "tell me\n!sandbox fault=401"):
            asked(web, prompt, model)
    folder = web.folder / "out"
    folder.mkdir()
    (folder / "flows").write_bytes(api.get("/flows/dump").content)
    commanded(api, "save.har", "@all", str(folder / "all.har"))
    commanded(api, "save.file", "@all", str(folder / "saved"))
    exported = [
        str(commanded(api, "export", form, f"~comment {flow['comment'].split()[1]}"))
        for flow in api.get("/flows").json()
        for form in ("curl", "httpie", "raw")
    ]
    (folder / "exports").write_text("\n".join(exported))
    (folder / "api").write_text(api.get("/flows").text + api.get("/events").text)
    har = json.loads((folder / "all.har").read_text())
    assert har["log"]["version"] == "1.2"
    assert len(har["log"]["entries"]) > 10
    assert_har(har)
    secrets = [KEY, web.vault_key, web.password, *canaries(sites)]
    assert len(secrets) > 8
    for file in (*folder.iterdir(), web.log_file):
        text = file.read_bytes()
        for secret in secrets:
            assert secret.encode() not in text, (file.name, secret[:6])


def assert_har(har: dict[str, Any]) -> None:
    """The members HAR 1.2 makes obligatory, which browsers' dev tools insist on."""
    assert any("failed" in entry["comment"] for entry in har["log"]["entries"])
    assert har["log"]["creator"].keys() >= {"name", "version"}
    for entry in har["log"]["entries"]:
        assert entry.keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert entry["request"].keys() >= {
            "method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"
        }  # fmt: skip
        assert entry["response"].keys() >= {
            "status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize",
            "bodySize",
        }  # fmt: skip
        assert entry["response"]["content"].keys() >= {"size", "mimeType"}
        assert entry["timings"].keys() >= {"send", "wait", "receive"}
