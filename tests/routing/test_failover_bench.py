"""The sixteen scenarios of Failover Bench (methodology 0.1), written anew from its public description.

https://github.com/failoverbench/failoverbench: a provider's model fails in one way, another model is configured as its
fallback, and two views are judged: the caller's (an answer, whole, in time, told truly) and the provider's (how often
it was asked). Its verdicts: *pass*, the caller has the whole answer and the conduct was right; *partial*, the same with
an advisory check failed; *safe*, a clean error instead of an answer; *fail*, else.

The policy is the default one; only the times are scaled (seconds where the bench has tens of them). The fallback's
entry says what it is meant for, as docs/resilience.md has it. Each is run with the fallback at the same account and at
a provider of its own, and each for a whole answer too, which the bench does not ask.

Here a *pass* is asserted, except for S08, S09, S10 and S14 as streams, which are *safe*: words of the broken answer are
at the client already, and a second answer's words are never joined to them (each says why).
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.wall import ANSWER, Wall

FAULTY = {f"s{number:02}": "ok" for number in range(1, 17)} | {"s14": "noprefill", "s99": "ok"}
MEANT_FOR = ["unavailable", "context", "slow"]
TIMES = {"first_token_s": 1, "first_token_thinking_s": 1.5, "slow_s": 0.2, "idle_s": 1}
BREAKER = {"open_s": 0.2, "open_max_s": 0.5}
"""A fiftieth of the default figures; test_account_policy.py shows the figures themselves."""


@dataclass
class Outcome:
    """What the caller saw."""

    status: int
    text: str
    error: str | None
    """The code of the error it got instead, or behind what it had got."""
    model: str
    usage: dict[str, Any] | None
    attempts: int
    message: str = ""

    @property
    def rescued(self) -> bool:
        return self.error is None and self.text == ANSWER

    @property
    def safe(self) -> bool:
        """A clean error, and nothing that looks like a whole answer."""
        return self.error is not None and self.text != ANSWER and ANSWER.startswith(self.text)


@dataclass
class Bench:
    wall: Wall
    stand_in: Wall
    gateway: Served

    def ask(self, model: str, *, stream: bool = True) -> Outcome:
        self.wall.attempts.clear()
        self.stand_in.attempts.clear()
        return self.again(model, stream=stream)

    def again(self, model: str, *, stream: bool = True) -> Outcome:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": "Sixty words, please."}],
            "stream": stream,
            **({"stream_options": {"include_usage": True}} if stream else {}),
        }
        answer = self.gateway.post(body)
        return _streamed(answer) if answer.headers["content-type"].startswith("text/event-stream") else _whole(answer)

    def primary(self, model: str) -> int:
        """How often the model was asked for."""
        return self.wall.attempts[model]

    def alive(self) -> bool:
        return self.again("ok").rescued


def _whole(answer: httpx.Response) -> Outcome:
    body = answer.json()
    attempts = int(answer.headers["x-glassgate-attempts"])
    if answer.status_code != 200:
        return Outcome(answer.status_code, "", body["error"]["code"], "", None, attempts, body["error"]["message"])
    text = body["choices"][0]["message"]["content"]
    return Outcome(200, text, None, body["model"], body["usage"], attempts)


def _streamed(answer: httpx.Response) -> Outcome:
    found = Outcome(answer.status_code, "", "no end", "", None, int(answer.headers["x-glassgate-attempts"]))
    for line in answer.text.splitlines():
        if line == "data: [DONE]":
            found.error = None
        elif line.startswith("data: "):
            value = json.loads(line[6:])
            if "error" in value:
                found.error, found.message = str(value["error"]["code"]), value["error"]["message"]
                continue
            found.model = value["model"]
            found.usage = value.get("usage") or found.usage
            found.text += "".join(choice["delta"].get("content") or "" for choice in value["choices"])
    return found


@pytest.fixture(scope="module", params=["one account", "apart"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The wall behind one gateway: the fallbacks at the same account, or at a provider of their own."""
    folder = tmp_path_factory.mktemp("bench")
    apart = request.param == "apart"
    with Sites((), own={"wall": Wall(), "stand": Wall()}) as sites:
        urls = sites.description()["base_urls"]
        models = {"wall": [*FAULTY], "stand": ["ok", "noprefill"]}
        if not apart:
            models = {"wall": [*FAULTY, "ok", "noprefill"]}
        entry = {"type": "openai_compatible", "accounts": [{"name": "key"}]}
        providers = {
            name: {**entry, "base_url": f"{urls[name]}/v1", "models": served} for name, served in models.items()
        }
        chains = {model: [{"model": other, "on": MEANT_FOR}] for model, other in FAULTY.items()}
        gateway = Served(
            folder,
            sites,
            providers=providers,
            routing={"fallbacks": chains},
            timeouts=TIMES,
            breaker=BREAKER,
            retries={"base_s": 0.02},
        )
        for name in models:
            gateway.vault.put(name, "key", sites.site(name).session())
        with gateway:
            yield Bench(sites.site("wall"), sites.site("stand" if apart else "wall"), gateway)


BOTH = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


RESCUES: dict[str, tuple[str, str, Collection[int]]] = {
    # 429 with Retry-After, once. The time is kept, then the same model answers; nobody is hammered.
    "s01 a limit with a time": ("s01", "s01", {2}),
    # Every attempt is answered 429: the limited model is asked once at most (0: it rests from the request before).
    "s02 a limit without a time that stays": ("s02", "ok", {0, 1}),
    # 500, then healthy: the same model is asked again.
    "s03 a fault that passes": ("s03", "s03", {2}),
    # 503 for ever: a few attempts, then the fallback.
    "s04 a fault that stays": ("s04", "ok", range(7)),
    "s05 a reset before the answer": ("s05", "s05", {2}),
    # The silent route is given up once and not asked again: it may be at work on the request.
    "s06 no answer at all": ("s06", "ok", {1}),
    # Never sent there again; it goes to the model that is meant for long conversations.
    "s12 too long for the model": ("s12", "ok", {1}),
    # No scenario of the bench, but of its kind: a model the provider has taken away.
    "a model that is gone": ("s99", "ok", range(3)),
}
"""Which model answers in the end, and how often the sick one may have been asked."""


@BOTH
@pytest.mark.parametrize(("model", "answers", "asked"), RESCUES.values(), ids=RESCUES)
def test_the_caller_has_a_whole_answer(
    bench: Bench, model: str, answers: str, asked: Collection[int], stream: bool
) -> None:
    seen = bench.ask(model, stream=stream)
    assert seen.rescued
    assert seen.model == answers
    assert bench.primary(model) in asked


def test_s07_a_slow_first_word(bench: Bench) -> None:
    """The fallback is meant for slow answers too, so it is asked after `timeouts.slow_s`."""
    seen = bench.ask("s07")
    assert seen.rescued
    assert seen.model == "ok"
    assert bench.primary("s07") == 1


def test_s07_a_whole_answer_is_waited_for(bench: Bench) -> None:
    """Nobody can tell a slow whole answer from one whose words are being made."""
    seen = bench.ask("s07", stream=False)
    assert seen.rescued
    assert seen.model == "s07"


def test_s08_a_stream_cut_in_the_middle(bench: Bench) -> None:
    """Safe. 40 words are at the client; the rest of another answer would not be the rest of this one."""
    seen = bench.ask("s08")
    assert seen.safe
    assert seen.text != ""
    assert seen.error == "upstream_eof"


def test_s09_a_stream_that_stalls(bench: Bench) -> None:
    """Safe. 20 words are at the client, as in S08; the silence ends after `timeouts.idle_s`, and all else goes on."""
    seen = bench.ask("s09")
    assert seen.safe
    assert seen.error == "upstream_timeout"
    assert bench.alive()


def test_s10_an_event_that_cannot_be_read(bench: Bench) -> None:
    """Safe. Whether words were lost with the event cannot be known: an answer that may lack some is never made to look
    whole. (In the bench none are, which only the bench knows.)"""
    seen = bench.ask("s10")
    assert seen.safe
    assert bench.alive()


@pytest.mark.parametrize("model", ["s08", "s09", "s10"])
def test_a_whole_answer_that_breaks_is_asked_of_the_fallback(bench: Bench, model: str) -> None:
    """S08 to S10 for a client that waits for a whole answer: it has seen nothing yet, so these pass."""
    seen = bench.ask(model, stream=False)
    assert seen.rescued
    assert seen.model == "ok"
    assert bench.primary(model) == 1


@BOTH
def test_s11_no_end_mark(bench: Bench, stream: bool) -> None:
    """The finish reason ends the answer, and the usage behind it is told."""
    seen = bench.ask("s11", stream=stream)
    assert seen.rescued
    assert seen.model == "s11"
    assert seen.usage
    assert seen.usage["completion_tokens"] == 60


@BOTH
def test_s13_against_the_content_policy(bench: Bench, stream: bool) -> None:
    """The provider's reason is told; the refusal is got round only by a fallback meant for it (`on: [content]`)."""
    seen = bench.ask("s13", stream=stream)
    assert (seen.status, seen.error) == (403, "content_filter")
    assert "rejected as a result of our safety system" in seen.message
    assert bench.primary("s13") == 1
    assert sum(bench.stand_in.attempts.values()) == (1 if bench.stand_in is bench.wall else 0)


def test_s14_a_fallback_that_takes_no_prefill(bench: Bench) -> None:
    """Safe, as S08. The words so far are sent to nobody to be gone on with: no refusal of that can hide the fault."""
    seen = bench.ask("s14")
    assert seen.safe
    assert seen.error == "upstream_eof"
    assert bench.stand_in.attempts["noprefill"] == 0


def test_s14_a_whole_answer_is_begun_anew(bench: Bench) -> None:
    seen = bench.ask("s14", stream=False)
    assert seen.rescued
    assert seen.model == "noprefill"


@BOTH
def test_s15_down_and_well_again(bench: Bench, stream: bool) -> None:
    """All are served in the outage, by few attempts at the sick model; then it is gone back to."""
    bench.wall.down = True
    bench.ask("s15", stream=stream)
    for _ in range(14):
        assert bench.again("s15", stream=stream).rescued
    assert bench.primary("s15") <= 15
    bench.wall.down = False
    bench.gateway.pass_s(BREAKER["open_max_s"])
    assert bench.again("s15", stream=stream).model == "s15"


@BOTH
def test_s16_accounting(bench: Bench, stream: bool) -> None:
    """The caller is told which model answered, and its usage alone."""
    seen = bench.ask("s16", stream=stream)
    assert seen.rescued
    assert seen.model == "ok"
    assert seen.usage
    assert seen.usage["completion_tokens"] == 60
    assert bench.primary("s16") <= 6
    assert seen.attempts == bench.primary("s16") + 1
