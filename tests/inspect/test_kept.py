"""Files of before, and what is made of flows later on, are cleaned too."""

import asyncio
import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import taddons, tflow

from addons.accounts.state_store import FileStateStore
from addons.app.replayer import Replayer
from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import KnownSecret
from addons.dialects.openai.error import error_response
from addons.errors import GatewayError
from addons.exchange.observer import Observers
from addons.inspect.annotation import Annotation
from addons.inspect.attempt_flows import step_flow
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.kept import AT_ONCE_BYTES, keep_cleaned
from addons.recordings.archive import Archive, RecordRules
from addons.recordings.drift import Drift
from addons.recordings.recording import RecordingSource, recording_of
from addons.routing.models import Models
from addons.tasks import Background
from addons.transport.sealing import Owner
from addons.transport.step_runner import CallRecord
from providers.contract.call import Call
from providers.contract.provider import Model
from providers.contract.steps import Answer
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.accounts import health_in, saved

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
CLEANER = Cleaner.knowing(
    [KnownSecret(KEY, "api_key", "p", "a"), KnownSecret("gpt-name-of-a-cookie-2", "cookie:model", "p", "a")]
)


def test_account_states_of_before_are_read_cleaned(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "accounts.json"
    state = {"health": "expired", "since": 1, "reason": f"bad {KEY}\x1b[2J"}
    file.write_text(json.dumps({"version": 1, "accounts": {"p/a": {"state": state, "models": {KEY: state}}}}))
    file.chmod(0o600)
    store = FileStateStore(file, lambda: 5.0, CLEANER.words)
    health = health_in(store, ("p", "a"), lambda: 5.0)
    found = health.state
    assert found is not None
    assert found.reason == f"bad {HIDDEN} [2J"
    health.record_starts([1.0])
    saved(store)
    assert KEY not in file.read_text()


def test_unknown_kinds_of_before_are_read_cleaned(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "drift.json"
    file.write_text(json.dumps({"zai": {f"field {KEY}": {"count": 1, "last": 1, "example": "x"}}}))
    file.chmod(0o600)
    assert list(Drift.load(file, CLEANER.words).found["zai"]) == [f"field {HIDDEN}"]


NOTE = Annotation(
    "req_1",
    provider="p",
    account="a",
    model="m",
    client_request=f"my {KEY}",
    error=KEY,
    outcome="failed",
    delivered=f"told: {KEY}",
)


async def _taken(archive: Archive, flow: http.HTTPFlow, attempt: Any = None) -> None:
    archive.keep(flow, attempt, {"p": _provider()}, background := Background())
    await background.settle(60)


def _provider() -> Any:
    return OpenAICompatible("p", OpenAIOptions(base_url="https://x.example"))


def _flow() -> http.HTTPFlow:
    """One that was kept before its secret was known, or comes from somebody's file."""
    flow = tflow.tflow(resp=error_response(GatewayError(400, f"bad {KEY}", code="bad")))
    flow.request.path = f"/v1?id={KEY}"
    flow.request.headers["referer"] = f"/c/{KEY}"
    flow.request.content = f"mine: {KEY}".encode()
    assert flow.response
    flow.response.headers["x-said"] = KEY
    NOTE.put_on(flow)
    return flow


def test_recordings_are_cleaned_by_what_is_known_when_they_are_made(tmp_path: Path) -> None:
    rules = RecordRules(True, tmp_path / "kept", 10, 10)
    archive = Archive(rules, tmp_path / "record.json", Drift(tmp_path / "drift.json"), CLEANER)
    asyncio.run(_taken(archive, _flow()))
    (file,) = (tmp_path / "kept").iterdir()
    assert KEY not in file.read_text()
    assert HIDDEN in file.read_text()


def test_a_recording_of_a_flow_is_cleaned_in_every_part() -> None:
    told = recording_of(_flow(), RecordingSource(NOTE, "zai", clean=CLEANER.text)).model_dump(mode="json")
    for part in (told[name] for name in ("error", "client_request", "delivered")):
        assert HIDDEN in part
    for part in (told["request"], told["answer"]):
        assert HIDDEN in json.dumps(part["headers"])
    assert HIDDEN in told["request"]["url"]
    assert HIDDEN in told["request"]["body"]
    assert HIDDEN in json.dumps(told["answer"]["pieces"])
    assert KEY not in json.dumps(told)


def test_what_a_site_invents_is_counted_cleaned(tmp_path: Path) -> None:
    drift = Drift(tmp_path / "drift.json")
    archive = Archive(RecordRules(False, tmp_path, 10, 10), tmp_path / "record.json", drift, CLEANER)
    asyncio.run(_taken(archive, _flow(), SimpleNamespace(unknown={f"frame without choices: {KEY}": 1})))
    assert list(drift.found["openai_compatible"]) == [f"frame without choices: {HIDDEN}"]


def test_a_model_that_bears_a_secret_is_none_but_a_models_own_name_stays() -> None:
    named = {"gpt-name-of-a-cookie-2": "its-own-name"}
    provider: Any = OpenAICompatible("p", OpenAIOptions(base_url="https://x.example", models=named))
    models = Models({"p": provider}, {}, CLEANER)
    learnt = {KEY: Model(KEY, "x"), "other": Model("other", KEY), "good": Model("good", "good")}
    provider._api.models = {**provider.models(), **learnt}
    again = Models({"p": provider}, {}, CLEANER, models)
    for index in (models(), again()):
        assert [model.id for model in index.models()] == ["gpt-name-of-a-cookie-2", "good"]


def test_a_preparing_call_is_shown_cleaned_in_every_part() -> None:
    """A site's own ids stand in our calls, and what its answer hands out may stand anywhere in it."""
    call = Call("POST", f"https://x.example/chat/{KEY}", (("referer", f"/c/{KEY}"),), f'{{"id":"{KEY}"}}'.encode())
    body = f'{{"again":"{KEY}","now":"a-fresh-cookie-1"}}'.encode()
    answer = Answer(200, {"x-said": KEY}, body, ("sid=a-fresh-cookie-1; path=/",))
    flow = step_flow(CallRecord(Owner("p", "a"), call, answer, "", 1.0, 2.0), "req_1", CLEANER)
    told = repr(flow.get_state())
    assert KEY not in told
    assert "a-fresh-cookie-1" not in told
    assert "sid=~hidden~" in told


def _prepared(headers: dict[str, str], body: bytes, *cookies: str) -> http.Response:
    """An answer to a preparing call as it is shown."""
    answer = Answer(200, headers, body, cookies)
    call = Call("GET", "https://x.example/")
    flow = step_flow(CallRecord(Owner("p", "a"), call, answer, "", 1.0, 2.0), "req_1", CLEANER)
    assert flow.response
    return flow.response


def test_what_a_preparing_call_hands_out_is_hidden_though_nobody_knows_it() -> None:
    fresh, cookie = "nobody-knows-it-1", "nor-what-a-cookie-says-2"
    headers = {"x-csrf-token": fresh, "location": f"/x?token={fresh}", "set-cookie": f"{KEY}={cookie}"}
    shown = _prepared(headers, f'{{"access_token":"{fresh}"}} {cookie}'.encode(), f"{KEY}={cookie}; path=/")
    told = repr(shown.get_state())
    assert fresh not in told
    assert cookie not in told
    assert KEY not in told
    assert len(shown.headers.get_all("set-cookie")) == 1


ODD_BODIES = [
    pytest.param("application/json", gzip.compress(KEY.encode()), id="packed"),
    pytest.param("text/plain; charset=cp037", f"key {KEY}".encode("cp037"), id="EBCDIC"),
]


@pytest.mark.parametrize(("kind", "body"), ODD_BODIES)
def test_a_preparing_call_says_no_more_than_was_searched(kind: str, body: bytes) -> None:
    shown = _prepared({"content-type": kind}, body)
    assert KEY not in (shown.get_text(strict=False) or "")
    assert not (shown.raw_content or b"").startswith(b"\x1f\x8b")


def test_what_is_kept_of_an_attempt_is_cleaned_in_every_part() -> None:
    """Its answer may speak of what it hands out itself: the attempt's own cleaner knows that."""
    flow = tflow.tflow(resp=True)
    flow.request.data.content = f"mine: {KEY}".encode()
    own = CLEANER.also([KnownSecret("a-fresh-cookie-1", "new")])
    attempt: Any = SimpleNamespace(
        body_as_built=lambda body: body,
        body=f"key {KEY}, a-fresh-cookie-1".encode(),
        cleaner=own,
        spec=SimpleNamespace(owner=("p", "a")),
    )
    asked = Annotation("req_1", client_request=f"my {KEY}", delivered=f"told: {KEY}", model=f"m {KEY}")
    annotation = asyncio.run(keep_cleaned(flow, asked, attempt, CLEANER, 1000, answered=True))
    assert flow.request.data.content == f"mine: {HIDDEN}".encode().ljust(len(f"mine: {KEY}"), b"~")
    assert flow.response
    assert flow.response.data.content == f"key ~sealed~p~a~api_key~, {HIDDEN}".encode() + b"~" * 8
    for words in (annotation.client_request, annotation.delivered, annotation.model):
        assert KEY not in words


@pytest.mark.parametrize(("kind", "body"), ODD_BODIES)
def test_an_attempts_answer_says_no_more_than_was_searched(kind: str, body: bytes) -> None:
    flow = tflow.tflow(resp=http.Response.make(200, b"", {"content-type": kind}))
    attempt: Any = SimpleNamespace(
        body_as_built=lambda body: body, body=body, cleaner=CLEANER, spec=SimpleNamespace(owner=("p", "a"))
    )
    asyncio.run(keep_cleaned(flow, Annotation("req_1"), attempt, CLEANER, 1000, answered=True))
    assert flow.response
    assert KEY not in (flow.response.get_text(strict=False) or "")
    assert not (flow.response.raw_content or b"").startswith(b"\x1f\x8b")


def test_of_a_long_request_the_beginning_is_kept_and_cleaned() -> None:
    flow = tflow.tflow()
    most = AT_ONCE_BYTES + 1000
    flow.request.data.content = f"{KEY} ".encode() + b"a" * 10 * most
    annotation = asyncio.run(keep_cleaned(flow, Annotation("req_1"), None, CLEANER, most, answered=False))
    kept = flow.request.data.content
    assert (len(kept), KEY.encode() in kept, annotation.cut_request) == (most, False, True)
    again = asyncio.run(keep_cleaned(flow, Annotation("req_1"), None, CLEANER, most, answered=False))
    assert not again.cut_request


def _replayer() -> Replayer:
    return Replayer(FlowPlaces(lambda: b"k" * 32), lambda flow: None, Observers(()).ended)


def _sent_again(answer: Answer) -> http.Response:
    """What stands on a flow after mitmweb's replay button."""

    async def gives(value: object) -> Any:
        return value

    flow = tflow.tflow()
    Annotation("req_1", provider="p", account="a").put_on(flow)
    running: Any = SimpleNamespace(
        providers={"p": _provider()},
        pool=SimpleNamespace(
            find=lambda *names: object(), renewal=SimpleNamespace(session=lambda account: gives(None))
        ),
        steps=SimpleNamespace(send=lambda *given: gives(answer)),
        cleaner=CLEANER,
    )
    with taddons.context():
        asyncio.run(_replayer().replay(flow, running))
    assert flow.response
    return flow.response


def test_what_is_sent_again_is_answered_cleaned() -> None:
    shown = _sent_again(Answer(200, {"x-said": KEY}, f"your key is {KEY}".encode()))
    assert shown.headers["x-said"] == "~sealed~p~a~api_key~"
    assert shown.content == b"your key is ~sealed~p~a~api_key~"


@pytest.mark.parametrize(("kind", "body"), ODD_BODIES)
def test_what_is_sent_again_says_no_more_than_was_searched(kind: str, body: bytes) -> None:
    shown = _sent_again(Answer(200, {"content-type": kind}, body))
    assert KEY not in (shown.get_text(strict=False) or "")
    assert not (shown.raw_content or b"").startswith(b"\x1f\x8b")


def test_a_request_that_was_kept_in_part_is_not_sent_again() -> None:
    flow = tflow.tflow()
    Annotation("req_1", provider="p", account="a", cut_request=True).put_on(flow)
    running: Any = SimpleNamespace(providers={"p": object()}, pool=SimpleNamespace(find=lambda *names: object()))
    with pytest.raises(GatewayError, match="only the beginning of this request was kept"):
        asyncio.run(_replayer().replay(flow, running))


def test_a_body_that_is_cleaned_in_a_thread_is_not_seen_meanwhile() -> None:
    async def work() -> None:
        asked = b'{"said": "' + KEY.encode() + b'"' + b" " * AT_ONCE_BYTES + b"}"
        flow = tflow.tflow(req=http.Request.make("POST", "http://gateway/v1/chat/completions", asked))
        keeping = asyncio.ensure_future(keep_cleaned(flow, Annotation("r"), None, CLEANER, len(asked), answered=False))
        await asyncio.sleep(0)
        assert flow.request.raw_content is None
        await keeping
        assert (flow.request.content or b"").startswith(b'{"said": "~')
        assert KEY.encode() not in (flow.request.content or b"")

    asyncio.run(work())
