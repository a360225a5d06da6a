"""What a machine wants, in whatever order its events come: hypothesis tells them, machine_rules.py judges."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mitmproxy import http

from addons.errors import GatewayError
from addons.stream.client_end import H2_UNSENT_LIMIT_BYTES
from addons.stream.client_events import END, Data, Left, Refused
from addons.stream.machine_events import TICKED, WOKEN, FromProvider
from addons.upstream.events import ENDED, RECONNECTING, TAKEN, Body, Broken, NoConnection, UpstreamEvent
from tests.support.machine_drive import Enough, MachineDrive, PiecewiseAttempt, answered
from tests.support.machine_rules import KEEPALIVE

HOOKS = ["requestheaders", "request", "responseheaders", "response", "error", "attempt_failed", "give_way"]
PIECES = [b"word ", b"a~b~c", b"x [LAST]", b"x [DONE]", b"[FAIL]", b"y [LOST]", b": comment", b"", b"a~[DONE]~b", b"~"]
BODIES = [b"x", b"ab|cd", b"!", b"x?", b"x" * 600, b"", b"x" * 70_000]

BEGINNINGS = ["head", "body", "asked", "connected", "answered", "answered", "speaks", "speaks", "speaks"]
"""How far a request has come when any order begins: most of a run is to be about providers."""
numbers = st.integers(1, 3)
holds = st.sampled_from([*[set[str]()] * len(HOOKS), *({name} for name in HOOKS), set(HOOKS)])
attempts = st.builds(
    lambda **said: said,
    streaming=st.sampled_from([True, True, True, False]),
    keepalive_before_first_token=st.booleans(),
    silent_until_whole=st.booleans(),
    asks_again=st.booleans(),
    closes_early=st.booleans(),
    has_secrets=st.integers(0, 9).map(lambda number: number < 9),
    keepalive=st.sampled_from([KEEPALIVE, b""]),
)


def made(said: dict[str, object]) -> PiecewiseAttempt:
    attempt = PiecewiseAttempt()
    for name, value in said.items():
        setattr(attempt, name, value)
    if not attempt.streaming:  # a client that waits for a whole answer is not kept alive
        attempt.keepalive, attempt.keepalive_before_first_token = b"", False
    return attempt


class AnyOrder(RuleBasedStateMachine):
    """One request: its client, its providers, its hooks, the clock and a person do what they may at any time."""

    drive: MachineDrive
    stage = 0
    """Of the last Ask's provider: it is connected to, it has begun to answer."""
    is_whole = False
    """Nothing more comes of the client."""
    asked = 0

    @initialize(
        said=st.lists(attempts, min_size=1, max_size=3),
        h2=st.booleans(),
        heard=st.booleans(),
        plan=st.integers(0, 19).map(lambda number: number < 19),
        refused=st.integers(0, 19).map(lambda number: number == 19),
        large=st.booleans(),
        begins=st.sampled_from(BEGINNINGS),
        held=holds,
    )
    def begin(
        self, said: list[dict[str, object]], h2: bool, heard: bool, plan: bool, refused: bool, large: bool, begins: str,
        held: set[str],
    ) -> None:  # fmt: skip
        self.drive = MachineDrive(
            *map(made, said),
            h2=h2,
            heads_are_heard=heard,
            plan=plan,
            at_head=http.Response.make(401, b"no") if refused else None,
            uploading=Enough() if large else None,
        )
        steps = BEGINNINGS.index(begins)
        if not steps:
            self.drive.hold = held
        self.drive.head_comes(transfer_encoding="chunked")
        if steps > 1:
            self.drive.feed(Data(b"ab|cd"))
            if not large:
                self.ends()
        for _ in range({"connected": 1, "answered": 2, "speaks": 3}.get(begins, 0)):
            self.goes_on([b"word "], None)
        self.drive.hold = held

    # -- the client -------------------------------------------------------------------------------------------------
    @precondition(lambda self: not self.is_whole)
    @rule(data=st.sampled_from(BODIES))
    def sends(self, data: bytes) -> None:
        self.drive.feed(Data(data))

    @precondition(lambda self: not self.is_whole)
    @rule()
    def ends(self) -> None:
        self.is_whole = True
        self.drive.feed(END)

    @rule(below=st.sampled_from([0, 1]), in_stream=st.sampled_from([0, 1, H2_UNSENT_LIMIT_BYTES]))
    def reads(self, below: int, in_stream: int) -> None:
        self.drive.side.below, self.drive.side.in_stream = below, in_stream

    # -- providers ----------------------------------------------------------------------------------------------------
    def says(self, *said: UpstreamEvent) -> None:
        if self.asked != self.drive.rules.asked:
            self.asked, self.stage = self.drive.rules.asked, 0
        if self.drive.rules.listens:
            self.drive.says(*said)

    @rule(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=3), last=st.sampled_from([None, ENDED, None]))
    def goes_on(self, pieces: list[bytes], last: UpstreamEvent | None) -> None:
        """The next that a provider says."""
        if self.asked != self.drive.rules.asked:
            self.asked, self.stage = self.drive.rules.asked, 0
        if not self.drive.rules.listens:
            return
        self.stage += 1
        if self.stage == 1:
            self.drive.connects()
        elif self.stage == 2:
            self.drive.says(answered(), *([last] if last else []))
        else:
            self.drive.says(Body(pieces), *([last] if last else []))

    @rule(number=numbers)
    def speaks(self, number: int) -> None:
        """A provider that answers as it should goes on."""
        self.goes_on([b"word "] * number, None)

    @rule(status=st.sampled_from([200, 302, 503]))
    def answers(self, status: int) -> None:
        if self.stage == 1 and self.asked == self.drive.rules.asked:
            self.stage = 2
            self.says(answered(status))

    @rule(
        said=st.sampled_from([NoConnection("refused"), RECONNECTING, TAKEN, Broken("cut", closed=True)]), rarely=numbers
    )
    def fails(self, said: UpstreamEvent, rarely: int) -> None:
        if rarely == 3 and (self.stage < 2 or isinstance(said, Broken)):
            self.says(said)

    @precondition(lambda self: self.drive.rules.has_words and self.drive.rules.listens)
    @rule()
    def breaks_off(self) -> None:
        """In the middle of what it says to the client."""
        self.says(Broken("cut", closed=True))

    @rule(full=st.booleans())
    def takes(self, full: bool) -> None:
        self.drive.outlet.waiting = 100_000 if full else 0
        if not full and self.stage >= 1:
            self.says(TAKEN)

    @precondition(lambda self: self.drive.rules.asked > 1 or self.drive.rules.had_enough)
    @rule(said=st.sampled_from([Body([b"late"]), ENDED, TAKEN, answered(), Broken("cut", closed=True)]), number=numbers)
    def is_late(self, said: UpstreamEvent, number: int) -> None:
        """A provider that was left, or finished with, still speaks: nobody hears it."""
        rules = self.drive.rules
        if number < rules.asked or (number == rules.asked and rules.had_enough):
            assert self.drive.feed(FromProvider(number, (said,))) == []
            assert b"late" not in self.drive.sent

    @rule(rest=st.sampled_from(PIECES))
    def has_more_beside(self, rest: bytes) -> None:
        attempt = self.drive.machine.attempt
        if isinstance(attempt, PiecewiseAttempt):
            attempt.rest = rest
        self.drive.feed(WOKEN)

    # -- hooks, clock, person -----------------------------------------------------------------------------------------
    @precondition(lambda self: self.drive.held is not None)
    @rule(held=holds)
    def hook_runs(self, held: set[str]) -> None:
        self.drive.hold = held
        self.drive.hook_done()

    @rule(seconds=st.sampled_from([0.5, 0.5, 0.5, 2.0, 2.0, 2.0, 16.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.drive.tick(seconds)

    @rule(
        what=st.sampled_from(["malformed", "leaves", "kill", "kill", "stops", "tick", *["nothing"] * 10]),
    )
    def happens_rarely(self, what: str) -> None:
        drive, rules = self.drive, self.drive.rules
        if what == "malformed" and not self.is_whole:
            self.is_whole = True
            drive.feed(Refused(GatewayError(400, "malformed")))
        elif what == "leaves" and not rules.left:
            self.is_whole = True
            drive.feed(Left("it left"))
        elif what == "kill" and drive.machine.flow.killable:
            drive.kill()
        elif what == "stops":
            drive.stops()
        elif what == "tick":
            drive.feed(TICKED)

    # -- always -------------------------------------------------------------------------------------------------------
    @invariant()
    def who_waits_has_a_time(self) -> None:
        """A request that waits for its provider or its body is looked at again, unless its connection was aborted."""
        if not hasattr(self, "drive"):
            return
        drive = self.drive
        if drive.rules.listens and drive.held is None:
            assert drive.machine.deadline < float("inf")

    def teardown(self) -> None:
        if not hasattr(self, "drive"):
            return
        self.drive.hold = set()
        if self.drive.held is not None:
            self.drive.hook_done()
        if not self.drive.rules.over:
            self.drive.feed(Left("it left"))
        self.drive.rules.are_kept_by(self.drive.machine)
        self.drive.deps.body_budget.ended(self.drive.machine.flow.id)
        assert self.drive.deps.body_budget.total == 0
        assert self.drive.feed(TICKED) == self.drive.feed(WOKEN) == []


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40)
