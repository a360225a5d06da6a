"""Requests with ids through the connection pool over virtual links, whose provider misbehaves: who got whose answer?

`python -m tests.support.pool_mixing REQUESTS [SEED]` asks that many, and says what was seen.
"""

import json
import sys
from collections import Counter, deque
from dataclasses import replace
from random import Random
from typing import Final

from mitmproxy import http

from addons.upstream.events import ENDED, Body, Broken, NoConnection, UpstreamEvent
from addons.upstream.http1 import UpstreamCall
from addons.upstream.pool import UpstreamPool
from addons.upstream.port import Cancel, Receiver, Target
from tests.support.mixed_answers import Answer, answer, cut_at_random
from tests.support.upstream import CLIENT, TARGET, Wire

AT_ONCE: Final = 24
TARGETS: Final = [replace(TARGET, account=f"web/{name}") for name in "abc"]


def target_of(number: int) -> Target:
    return TARGETS[number % len(TARGETS)]


class Line(Wire):
    """One connection with the provider at its end, whose pieces have arrived at the gateway and are told one by one."""

    def __init__(self, mix: "PoolMix", target: Target, receiver: Receiver) -> None:
        super().__init__(target, receiver)
        self.mix = mix
        self.is_open = False
        self.arrived: deque[bytes] = deque()
        """What is to be told; b"" is the end of the connection."""
        self.on_the_way = b""
        """What the gateway cannot know of yet."""
        self.requests = 0

    def write(self, data: bytes) -> None:
        self.sent += data
        head, blank, body = self.sent.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if blank else 1
        if len(body) >= size:
            self.sent = body[size:]
            self.requests += 1
            self._arrives()
            self.mix.asked_at(self, json.loads(body[:size]))

    def has_unread(self) -> bool:
        return bool(self.arrived)

    def moves(self) -> None:
        """The next thing that happens to it."""
        if not self.is_open:
            if self.mix.random.random() < 0.02:
                self.closed = True
                self.fails("refused")
            else:
                self.is_open = True
                self.opens()
        elif self.arrived and not self.paused:
            piece = self.arrived.popleft()
            if piece:
                self.says(piece)
            else:
                self.closed = True
                self.ends()
        elif self.on_the_way and self.mix.random.random() < 0.2:
            self._arrives()

    def _arrives(self) -> None:
        if self.on_the_way:
            self.arrived.append(self.on_the_way)
            self.on_the_way = b""


class Request:
    """A call with an id, and what was told of it."""

    def __init__(self, mix: "PoolMix", number: int) -> None:
        self.mix, self.number = mix, number
        self.stream = mix.random.random() < 0.5
        self.body = b""
        self.last: UpstreamEvent | None = None
        self.has_left = False
        body = json.dumps({"number": number, "stream": self.stream}).encode()
        request = http.Request.make("POST", "http://127.0.0.1:1/chat", body, [(b"host", b"127.0.0.1:1")])
        self.call = mix.pool.call(target_of(number), request, CLIENT, self._hear)

    def _hear(self, call: UpstreamCall, said: tuple[UpstreamEvent, ...]) -> None:
        if self.has_left or self.last is ENDED or isinstance(self.last, Broken | NoConnection):
            self.mix.faults.append(f"{self.number} was told {said} behind its end")
        for event in said:
            self.last = event
            if isinstance(event, Body):
                self.body += b"".join(event.pieces)

    def judge(self) -> None:
        """What has come must be the beginning of its own answer, and what has ended all of that."""
        sent = self.mix.answers.pop(self.number, None)
        right = sent.body if sent else b""
        if not right.startswith(self.body):
            self.mix.faults.append(f"{self.number} was told {self.body!r}")
        elif self.has_left:
            self.mix.seen["left"] += 1
        elif self.last is not ENDED:
            if self.number in self.mix.whole:
                self.mix.faults.append(f"{self.number} was told {self.last}, though its answer was sent whole")
            self.mix.seen["cut" if isinstance(self.last, Broken) else "no connection"] += 1
        elif self.body == right:
            self.mix.seen["right"] += 1
        elif sent and sent.lasts_until_closed:  # HTTP cannot tell; whoever reads the body sees it
            self.mix.seen["cut"] += 1
        else:
            self.mix.faults.append(f"{self.number} is not whole: {self.body!r}")


class PoolMix:
    """The world of one run: callers, provider and the clock, all by one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 1000.0
        self.pool = UpstreamPool(self._connect, lambda: self.now)
        self.lines: list[Line] = []
        """Those that are open or being made."""
        self.under_way: list[Request] = []
        self.answers: dict[int, Answer] = {}
        """By id, what the provider sends, or sent in part."""
        self.came: set[int] = set()
        self.whole: set[int] = set()
        """Ids whose answer was sent to its end."""
        self.dropped: set[int] = set()
        """Ids that may come once more: their connection had served and ended without a byte."""
        self.seen: Counter[str] = Counter()
        self.faults: list[str] = []
        """Answers of others, requests that came twice, callers that waited in vain."""

    def run(self, requests: int) -> None:
        asked, idle_turns = 0, 0
        while (asked < requests or self.under_way) and idle_turns < 100_000:
            if asked < requests and len(self.under_way) < AT_ONCE and self.random.random() < 0.3:
                self.under_way.append(Request(self, asked))
                asked += 1
            self._turn()
            before = len(self.under_way)
            self._reap()
            idle_turns = 0 if len(self.under_way) < before else idle_turns + 1
        self.faults += [f"{one.number} waited in vain" for one in self.under_way]
        self._close()

    # -- what happens -----------------------------------------------------------------------------------------------
    def _turn(self) -> None:
        if self.lines:
            self.random.choice(self.lines).moves()
        if self.under_way and self.random.random() < 0.03:
            self._one_changes(self.random.choice(self.under_way))
        if self.random.random() < 0.02:
            self.now += self.random.expovariate(2)
            self.pool.sweep()
        if self.random.random() < 0.0005:
            self.pool.close_idle()
            self.seen["closed all idle"] += 1

    def _one_changes(self, one: Request) -> None:
        """A caller leaves, has enough, or does not read for a while."""
        match self.random.randrange(4):
            case 0:
                one.has_left = True
                one.call.leave()
            case 1 if one.body:
                one.has_left = True
                one.call.finish()
                self.seen["had enough"] += 1
            case 2:
                one.call.pause()
            case _:
                one.call.resume()

    def _reap(self) -> None:
        for one in [one for one in self.under_way if one.call.over]:
            self.under_way.remove(one)
            one.judge()
        for one in self.under_way:
            if self.random.random() < 0.05:
                one.call.resume()
        self.lines = [line for line in self.lines if not line.closed]

    def _close(self) -> None:
        self.pool.close_idle()
        self.now += 60
        self.pool.sweep()
        if len(self.pool) or any(not line.closed for line in self.lines):
            self.faults.append(f"{len(self.pool)} connections are left behind")

    def _connect(self, target: Target, client: object, receiver: Receiver) -> Cancel:
        line = Line(self, target, receiver)
        self.lines.append(line)
        self.seen["connections"] += 1
        return line.close

    # -- the provider -----------------------------------------------------------------------------------------------
    def asked_at(self, line: Line, body: dict[str, int]) -> None:
        """A request has come whole to a provider: what becomes of it."""
        number = body["number"]
        if target_of(number) != line.target:
            self.faults.append(f"{number} came over a connection of another account")
        if number in self.came and (number not in self.dropped or line.requests > 1):
            self.faults.append(f"{number} came twice")
        is_first = number not in self.came
        self.came.add(number)
        fate = self.random.randrange(20)
        if fate == 0 and is_first:
            self.seen["not answered"] += 1
            if line.requests > 1:
                self.dropped.add(number)
            line.arrived.append(b"")
            return
        found = self.answers[number] = answer(number, self.random, stream=bool(body["stream"]))
        if fate < 4:
            line.arrived += cut_at_random(found.data[: self.random.randrange(1, len(found.data))], self.random)
            line.arrived.append(b"")
            return
        self.whole.add(number)
        if fate < 8 and not found.lasts_until_closed:
            self.seen["unasked"] += 1
            self._says_too_much(line, found, answer(-number - 1, self.random, stream=bool(body["stream"])), fate)
        else:
            line.arrived += cut_at_random(found.data, self.random)
        if fate == 8 or not found.may_serve_on:
            line.arrived.append(b"")

    def _says_too_much(self, line: Line, found: Answer, more: Answer, fate: int) -> None:
        """An answer, and one that nobody asked for: with it in one piece, a part of it so, or right behind it."""
        if fate == 4:
            line.arrived.append(found.data + more.data)
        elif fate == 5:
            at = self.random.randrange(1, len(more.data))
            line.arrived.append(found.data + more.data[:at])
            line.on_the_way = more.data[at:]
        else:
            line.arrived += cut_at_random(found.data, self.random)
            line.arrived += cut_at_random(more.data, self.random)


def main(requests: int, seed: int) -> int:
    mix = PoolMix(seed)
    mix.run(requests)
    print(json.dumps({"requests": requests, "seed": seed, **mix.seen, "faults": mix.faults[:20]}))  # noqa: T201
    return bool(mix.faults)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7))
