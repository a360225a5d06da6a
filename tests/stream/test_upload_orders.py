"""A body that is passed on, in whatever order client, providers, hooks and the clock move: hypothesis tells them, and a
model of what has come and of whose time runs judges, beside the rules of every machine (machine_rules.py)."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from addons.errors import GatewayError
from addons.stream.client_events import END, Data, Left, Refused
from addons.stream.commands import BreakOff
from addons.stream.deps import ClientLimits
from addons.stream.machine_events import TICKED
from addons.stream.passed_body import LEAST_BYTES_PER_S, LOOK_S
from addons.stream.port import Fault
from addons.upstream.events import ENDED, TAKEN, Body, Broken, NoConnection
from addons.upstream.upload import FULL_BYTES
from tests.support.drive import TIMERS
from tests.support.machine_drive import Enough, MachineDrive, PiecewiseAttempt, answered, told
from tests.support.machine_rules import KEEPALIVE

HOOKS = ["request", "responseheaders", "response", "error", "attempt_failed"]
UPLOAD_BYTES = 400_000
"""The limit of an upload's rest."""
LIMITS = ClientLimits(body_bytes=1000, upload_bytes=UPLOAD_BYTES)
LAST_CHUNK = b"0\r\n\r\n"
PIECES = [b"x", b"yz", b"0\r\n\r\n", b"m" * 500, b"n" * (FULL_BYTES + 1), b"x", b"yz"]
SAID = [b"word ", b"a~b", b"[DONE]", b"[FAIL]", b": comment"]
holds = st.sampled_from([*[set[str]()] * 8, *({name} for name in HOOKS), set(HOOKS)])


def unchunked(data: bytes) -> tuple[bytes, bool]:
    """What stands in chunks, and whether it has ended; each chunk is whole."""
    found = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        assert data[count : count + 2] == b"\r\n"
        if not count:
            assert len(data) == 2, "more behind the end of a body"
            return found, True
        found, data = found + data[:count], data[count + 2 :]
    return found, False


class AnyUpload(RuleBasedStateMachine):
    """One request whose body is passed on from its first piece on."""

    drive: MachineDrive
    stage = 0
    """Of the last Ask's provider: it is connected to, it has begun to answer."""
    asked = 0
    is_whole = False
    """Nothing more comes of the client."""
    was_held = False
    late = (False, 0)
    """What was said of the client, and of how many providers."""
    client_since = provider_since = 0.0
    """Since when it is the client's turn to send, or the provider's to take or answer: not longer than that."""

    @initialize(
        attempts=st.integers(1, 3),
        h2=st.booleans(),
        heard=st.booleans(),
        framed=st.booleans(),
        broken=st.sampled_from([False, False, True]),
        is_read=st.booleans(),
        keepalive=st.sampled_from([KEEPALIVE, KEEPALIVE, b""]),
        connected=st.booleans(),
        held=holds,
    )
    def begin(
        self, attempts: int, h2: bool, heard: bool, framed: bool, broken: bool, is_read: bool, keepalive: bytes,
        connected: bool, held: set[str],
    ) -> None:  # fmt: skip
        self.reading, self.framed = Enough(), framed
        self.reading.broken = broken
        self.made = [PiecewiseAttempt() for _ in range(attempts)]
        for attempt in self.made:
            attempt.keepalive = keepalive
        self.drive = drive = MachineDrive(
            *self.made, h2=h2, heads_are_heard=heard, uploading=self.reading, limits=LIMITS
        )
        self.began = self.client_since = self.provider_since = drive.now
        self.held_s = 0.0
        drive.is_read = is_read
        if not connected:
            drive.hold = held
        if framed:
            drive.head_comes(transfer_encoding="chunked")
        else:
            drive.head_comes(content_length=str(UPLOAD_BYTES))
        drive.feed(Data(b"ab|beginning"))
        if connected:
            self.provider_moves()
            drive.hold = held

    # -- the client -------------------------------------------------------------------------------------------------
    @precondition(lambda self: not self.is_whole)
    @rule(data=st.sampled_from(PIECES))
    def sends(self, data: bytes) -> None:
        self.drive.feed(Data(data))
        if not self.drive.machine.is_in_hook:
            self.client_since = self.drive.now

    @precondition(lambda self: not self.is_whole)
    @rule()
    def sends_what_may_be_taken(self) -> None:
        if not self.drive.rules.is_held:
            self.sends(b"s" * 1000)

    @precondition(lambda self: not self.is_whole)
    @rule(really=st.integers(0, 3))
    def ends(self, really: int) -> None:
        if not really:
            self.is_whole = True
            self.drive.feed(END)
            self.provider_since = self.drive.now

    @precondition(lambda self: not self.is_whole)
    @rule(what=st.sampled_from(["bad", "malformed", "leaves", *["nothing"] * 12]))
    def is_a_bad_client(self, what: str) -> None:
        if what == "bad":
            self.drive.feed(Data(b"more?"))
        elif what == "malformed":
            self.is_whole = True
            self.drive.feed(Refused(GatewayError(400, "malformed")))
        elif what == "leaves":
            self.leaves()

    @precondition(lambda self: self.is_whole and not self.drive.rules.left)
    @rule(really=st.integers(0, 9))
    def leaves_afterwards(self, really: int) -> None:
        if not really:
            self.leaves()

    def leaves(self) -> None:
        self.is_whole = True
        self.drive.feed(Left("it left"))

    # -- providers ----------------------------------------------------------------------------------------------------
    def provider_moves(self) -> bool:
        """Connects, where that is next; gives whether the provider may answer."""
        rules = self.drive.rules
        if self.asked != rules.asked:
            self.asked, self.stage = rules.asked, 0
        if not rules.listens:
            return False
        if not self.stage:
            self.stage = 1
            self.drive.connects()
            self.provider_since = self.drive.now
            return False
        return True

    @rule()
    def connects(self) -> None:
        self.provider_moves()

    @rule(status=st.sampled_from([200, 200, 200, 401, 503, 302]), really=st.integers(0, 2))
    def answers(self, status: int, really: int) -> None:
        if self.provider_moves() and self.stage == 1 and not really:
            self.stage = 2
            self.drive.says(answered(status))

    @rule(said=st.sampled_from(SAID), ended=st.sampled_from([True, False, False]))
    def speaks(self, said: bytes, ended: bool) -> None:
        if self.provider_moves() and self.stage == 2:
            self.drive.says(Body([said]), *([ENDED] if ended else []))

    @rule(said=st.sampled_from([Broken("cut", closed=True), NoConnection("refused")]), really=st.integers(0, 3))
    def fails(self, said: Broken | NoConnection, really: int) -> None:
        is_next = self.asked == self.drive.rules.asked and self.drive.rules.listens
        if is_next and not really and isinstance(said, NoConnection) == (not self.stage):
            self.drive.says(said)

    @rule()
    def takes(self) -> None:
        """A provider that was behind takes all that waits for it."""
        drive = self.drive
        was_full, drive.outlet.waiting = drive.outlet.waiting > FULL_BYTES, 0
        if was_full and self.asked == drive.rules.asked and drive.rules.listens and self.stage:
            self.provider_since = drive.now
            drive.says(TAKEN)

    @rule(is_read=st.booleans())
    def is_slow(self, is_read: bool) -> None:
        self.drive.outlet.is_read = self.drive.is_read = is_read

    # -- hooks, clock, person -----------------------------------------------------------------------------------------
    @precondition(lambda self: self.drive.held is not None)
    @rule(held=holds)
    def hook_runs(self, held: set[str]) -> None:
        self.drive.hold = held
        self.drive.hook_done()
        self.client_since = self.provider_since = self.drive.now

    @rule(seconds=st.sampled_from([0.5, 1.1, 1.1, 20.0, 20.0, 59.0, 250.0]))
    def time_passes(self, seconds: float) -> None:
        """Second by second, as the sweeper looks."""
        drive = self.drive
        until = drive.now + seconds
        while drive.now < until and not drive.rules.over:
            step = min(LOOK_S, until - drive.now)
            self.held_s += step * (drive.rules.is_held or drive.machine.is_in_hook)
            drive.tick(step)

    @rule(what=st.sampled_from(["kill", "stops", "tick", *["nothing"] * 10]))
    def happens_rarely(self, what: str) -> None:
        drive = self.drive
        if what == "kill" and drive.machine.flow.killable:
            drive.kill()
        elif what == "stops":
            drive.stops()
        elif what == "tick":
            drive.feed(TICKED)

    # -- always -------------------------------------------------------------------------------------------------------
    @property
    def is_at_rest(self) -> bool:
        return not self.drive.machine.is_in_hook and not self.drive.rules.over

    @invariant()
    def all_holds(self) -> None:
        if hasattr(self, "drive"):
            self.each_provider_has_the_body_in_its_order()
            self.a_client_is_held_while_nobody_takes_more()
            self.nobody_is_late_while_it_is_the_others_turn()
            self.no_answer_looks_whole_to_a_request_that_was_not()

    def each_provider_has_the_body_in_its_order(self) -> None:
        """Who is asked has all that may go on; whoever was asked before, a part of it; nobody an end that was none."""
        passed, last = bytes(self.reading.passed), self.drive.outlets[-1]
        for outlet in self.drive.outlets[1:]:
            written, ended = unchunked(bytes(outlet.written)) if self.framed else (bytes(outlet.written), False)
            assert passed.startswith(written)
            assert not ended or (self.reading.has_ended and written == passed)
            if outlet is last and outlet.is_open:
                assert written == passed
                assert ended == (self.framed and self.reading.has_ended)

    def a_client_is_held_while_nobody_takes_more(self) -> None:
        drive, machine = self.drive, self.drive.machine
        held = drive.rules.is_held
        if self.was_held and not held:
            self.client_since = drive.now
        if held and not self.was_held:
            self.provider_since = max(self.provider_since, drive.now)
        self.was_held = held
        if not self.is_at_rest:
            return
        assert self.reading.upload is not None
        is_full = self.reading.upload.is_full
        connected = self.asked == drive.rules.asked and self.stage > 0 and drive.rules.listens
        if not machine.uploads:
            assert not held, "nothing more of the body is to come: the client is only to be heard"
        elif connected and self.stage == 1:
            assert held == is_full
        elif not drive.rules.listens or not connected:
            assert held, "nobody is there to take more"
        if held:
            assert machine.deadline <= drive.now + LOOK_S, "it is looked whether a client is there that is held"

    def nobody_is_late_while_it_is_the_others_turn(self) -> None:
        """Judged as it is said."""
        now, head = self.drive.now, self.drive.head
        faults = [fault for attempt in self.made for fault, _ in attempt.faults]
        late = (head is not None and head.status_code == 408, faults.count(Fault.FIRST_TOKEN_TIMEOUT))
        before, self.late = self.late, late
        if late[0] and not before[0]:
            sent_s = len(self.reading.passed) / LEAST_BYTES_PER_S
            is_silent = now - self.client_since >= LIMITS.body_s
            assert is_silent or now - self.began - self.held_s - sent_s >= LIMITS.body_s - LOOK_S
        if late[1] > before[1]:
            assert now - self.provider_since > TIMERS.first_token_s - 0.01

    def no_answer_looks_whole_to_a_request_that_was_not(self) -> None:
        if not self.reading.has_refused or not self.drive.rules.over:
            return
        drive = self.drive
        told = drive.head is not None and drive.head.status_code >= 400
        assert told or b"last words" in drive.sent or drive.rules.count[BreakOff] or drive.rules.left

    def teardown(self) -> None:
        if not hasattr(self, "drive"):
            return
        drive = self.drive
        drive.hold = set()
        if drive.held is not None:
            drive.hook_done()
        if not drive.rules.over:
            drive.feed(Left("it left"))
        drive.rules.are_kept_by(drive.machine)
        assert not drive.outlet.is_open or drive.outlet is drive.outlets[0], "a provider waits for a body"
        drive.deps.body_budget.ended(drive.machine.flow.id)
        assert drive.deps.body_budget.total == 0


TestAnyUpload = AnyUpload.TestCase
TestAnyUpload.settings = settings(max_examples=100, stateful_step_count=40)


def test_who_is_read_past_is_held_no_more_whatever_the_provider_takes() -> None:
    drive = MachineDrive(PiecewiseAttempt(), uploading=Enough(), limits=LIMITS)
    drive.head_comes(transfer_encoding="chunked")
    drive.feed(Data(b"ab|"))
    drive.is_read = False
    drive.connects()
    assert told(drive.feed(Data(b"n" * (FULL_BYTES + 1)))) == "hold"
    assert told(drive.says(answered(302))) == "ReadPast responseheaders"
    drive.outlet.waiting = 0
    assert told(drive.says(TAKEN)) == told(drive.tick(LOOK_S)) == ""
