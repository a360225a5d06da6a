"""mitmweb over the gateway: the views, the story of a fail-over, and its replay button, through its own API."""

import json
from pathlib import Path

import httpx

from addons.inspect.summary import short_id
from addons.recordings.recording import Recording
from tests.support.mitmweb import MODEL, Web, asked, commanded, flows_of, shown
from tests.support.processes import SandboxThread
from tests.support.waiting import until


def test_the_views_show_the_exchange(web: Web, api: httpx.Client) -> None:
    (flow,) = flows_of(api, asked(web, "Good morning, views"))
    assert "Good morning, views" in shown(api, flow, "request", "auto")
    events = shown(api, flow, "response", "auto")
    assert "what we read in it" in events
    assert "END stop" in events
    sent = shown(api, flow, "response", "OpenAI%20stream").splitlines()
    assert sent[0] == f"model {MODEL}"
    rows = [line.split(maxsplit=2) for line in sent[5:]]
    assert [number for number, _, _ in rows] == [str(number) for number in range(1, len(rows) + 1)]
    times = [int(ms) for _, ms, _ in rows]
    assert times == sorted(times), "when each went out"
    said = [words for _, _, words in rows]
    assert said[0].startswith("role assistant")
    assert said[-2:] == ["finish stop", "[DONE]"]


def test_a_whole_answer_is_shown_indented(web: Web, api: httpx.Client) -> None:
    fields = {"model": MODEL, "messages": [{"role": "user", "content": "Whole, please"}]}
    answer = httpx.post(f"{web.url}/v1/chat/completions", json=fields, headers=web.headers, timeout=30)
    (flow,) = flows_of(api, answer.headers["x-request-id"])
    text = shown(api, flow, "response", "OpenAI%20stream")
    assert json.loads(text) == answer.json()
    assert '\n  "choices": [' in text


def test_our_views_come_first(api: httpx.Client) -> None:
    views = api.get("/state").json()["contentViews"]
    assert views[:4] == ["auto", "chat", "provider events", "openai stream"]
    assert views[4:] == sorted(views[4:])
    assert "raw" in views


def test_each_attempt_and_step_is_a_flow_of_its_own(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    request_id = asked(web, "oops\n!sandbox fault=503")
    until(lambda: len(flows_of(api, request_id)) == 3)
    assert sum("attempt" in flow["comment"] and "failed" in flow["comment"] for flow in flows_of(api, request_id)) == 3
    request_id = asked(web, "Hi", "GLM-4.6")
    until(lambda: len(flows_of(api, request_id)) == 2)
    assert any("preparing   zai/demo: POST /api/v1/chats/new" in flow["comment"] for flow in flows_of(api, request_id))
    everything = api.get("/flows").text
    for secret in (sites.site("openai").key, *sites.site("zai").tokens, web.vault_key):
        assert secret not in everything


def test_a_flow_is_sent_again_with_the_real_secret(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    (flow,) = flows_of(api, asked(web, "once more"))
    site = sites.site("openai")
    before = len(site.requests)
    api.post(f"/flows/{flow['id']}/replay").raise_for_status()
    until(lambda: any("replayed" in f["comment"] for f in api.get("/flows").json() if f["id"] == flow["id"]))
    assert len(site.requests) == before + 1
    assert site.requests[-1].bearer == site.key
    again = next(f for f in api.get("/flows").json() if f["id"] == flow["id"])
    assert again["response"]["status_code"] == 200
    assert site.key not in api.get("/flows").text + shown(api, again, "response", "raw")
    assert "[DONE]" in shown(api, again, "response", "OpenAI%20stream")


def test_the_run_before_stands_beside_it_and_the_log_tells_of_both(
    web: Web, api: httpx.Client, sites: SandboxThread
) -> None:
    request_id = asked(web, "twice, please")
    (flow,) = flows_of(api, request_id)
    for runs in (1, 2):
        api.post(f"/flows/{flow['id']}/replay").raise_for_status()
        until(lambda runs=runs: web.log.count(f"{request_id} inspector - POST") == runs)  # type: ignore[misc]
        until(lambda runs=runs: len(flows_of(api, request_id)) == 1 + runs)  # type: ignore[misc]
    stories = [found["comment"] for found in flows_of(api, request_id)]
    assert [story.startswith("↪") for story in stories] == [True, True, False], "in the order of their time"
    assert ["replayed" in story for story in stories] == [False, True, True]
    assert not any("preparing" in story for story in stories), "a replay is no preparing call"
    api.post(f"/flows/{flow['id']}/revert").raise_for_status()
    assert "replayed" not in next(found["comment"] for found in flows_of(api, request_id) if found["id"] == flow["id"])


def test_what_is_not_ours_is_not_sent_again(web: Web, api: httpx.Client) -> None:
    httpx.get(f"{web.url}/v1/models", headers=web.headers)
    flow = next(f for f in api.get("/flows").json() if f["request"]["path"] == "/v1/models")
    api.post(f"/flows/{flow['id']}/replay").raise_for_status()

    def refused() -> bool:
        again = next(f for f in api.get("/flows").json() if f["id"] == flow["id"])
        return "not sent again" in again["comment"] and again["response"]["status_code"] == 400

    until(refused)


# -- the command bar --------------------------------------------------------------------------------------------------
def test_the_command_bar_has_the_commands(api: httpx.Client) -> None:
    names = {name for name in api.get("/commands").json() if name.startswith("gateway.")}
    assert names >= {f"gateway.{name}" for name in ("accounts", "models", "record", "replay", "save_case")}


def test_the_command_bar_tells_of_accounts_and_models(web: Web, api: httpx.Client) -> None:
    assert any(line.split()[:2] == ["official/demo", "ok"] for line in commanded(api, "gateway.accounts"))
    assert f"{MODEL}: official" in commanded(api, "gateway.models")


def test_the_command_bar_switches_recording(web: Web, api: httpx.Client) -> None:
    assert commanded(api, "gateway.record") == "recording is off"
    assert commanded(api, "gateway.record", "on").startswith("recording is on; files go to ")
    folder = Path(commanded(api, "gateway.record", "on").rpartition(" to ")[2])
    request_id = asked(web, "keep this")
    until(lambda: any(request_id[-8:] in path.name for path in folder.glob("*.glass.json")))
    assert commanded(api, "gateway.record", "off") == "recording is off"
    assert commanded(api, "gateway.record", "status") == "recording is off"
    assert "takes on, off or status" in commanded(api, "gateway.record", "perhaps")


def test_the_command_bar_sends_again_and_keeps_cases(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    (flow,) = flows_of(api, asked(web, "for the command bar"))
    before = len(sites.site("openai").requests)
    assert commanded(api, "gateway.replay", f"~comment {flow['comment'].split()[1]}") is None
    until(lambda: len(sites.site("openai").requests) == before + 1)
    (flow,) = flows_of(api, asked(web, "to be kept"))
    chosen = f"~comment {flow['comment'].split()[1]}"
    kept = commanded(api, "gateway.savecase", chosen, "from-the-bar")
    assert "kept as tests/fixtures/cases/from-the-bar.glass.json" in kept
    assert "it is read as it was delivered" in kept
    assert Recording.load((web.folder / "tests/fixtures/cases/from-the-bar.glass.json").read_bytes())
    assert "give another name" in commanded(api, "gateway.savecase", chosen, "from-the-bar")
    assert "a case's name" in commanded(api, "gateway.savecase", chosen, "../evil")


def test_the_command_bar_refuses_what_is_no_exchange(web: Web, api: httpx.Client) -> None:
    answer = httpx.get(f"{web.url}/v1/models", headers=web.headers)
    chosen = f"~comment {short_id(answer.headers['x-request-id'])}"
    assert "the gateway answered this itself" in commanded(api, "gateway.replay", chosen)
    assert "the gateway answered this itself" in commanded(api, "gateway.savecase", chosen)


# -- what the gateway answers itself ----------------------------------------------------------------------------------
def test_a_preparing_call_becomes_no_case(web: Web, api: httpx.Client) -> None:
    request_id = asked(web, "prepare", "GLM-4.6")
    until(lambda: len(flows_of(api, request_id)) == 2)
    (step,) = [flow["comment"] for flow in flows_of(api, request_id) if "preparing" in flow["comment"]]
    short = next(word for word in step.split() if word.startswith("req_"))
    chosen = f"~comment {short} & ~comment preparing"
    refused = commanded(api, "gateway.savecase", chosen)
    assert "this is a preparing call" in refused
    assert "Give the attempt it prepared" in refused


def test_local_answers_and_refusals_are_told_too(web: Web, api: httpx.Client) -> None:
    answer = httpx.get(f"{web.url}/v1/models", headers=web.headers)
    (flow,) = flows_of(api, answer.headers["x-request-id"])
    assert flow["comment"].startswith(f"✓ {short_id(answer.headers['x-request-id'])} ok          GET /v1/models")
    refused = httpx.post(f"{web.url}/v1/chat/completions", json={}, headers={"authorization": "Bearer wrong"})
    (flow,) = flows_of(api, refused.headers["x-request-id"])
    assert flow["comment"].startswith("⚠ req_")
    assert " refused     POST /v1/chat/completions 401 invalid_api_key" in flow["comment"]
    assert flow["marked"] == "⚠"
    unknown = httpx.post(
        f"{web.url}/v1/chat/completions",
        json={"model": "none", "messages": [{"role": "user", "content": "Hi"}]},
        headers=web.headers,
    )
    (flow,) = flows_of(api, unknown.headers["x-request-id"])
    assert " refused     POST /v1/chat/completions none → nobody" in flow["comment"]
