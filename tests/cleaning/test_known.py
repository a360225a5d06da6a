"""The index follows the secrets in force, without anybody waiting for it."""

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import KnownSecret, Literal, secrets_of
from addons.cleaning.known import FORMER_LIMIT, RECENT_BYTES, KnownSecrets
from providers.contract.session import Credentials


class House:
    """Secrets that a test changes; counts how often they were listed."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.version: object = object()
        self.listed = 0
        self.known = KnownSecrets(lambda: (self.version,), self._find)
        self.cleaner = Cleaner(self.known.index, self.known.learn)

    def _find(self) -> list[KnownSecret]:
        self.listed += 1
        return [KnownSecret(value, "token", "p", str(n)) for n, value in enumerate(self.values)]

    def now(self, *values: str) -> None:
        self.values, self.version = list(values), object()

    def hides(self, value: str) -> bool:
        return value not in self.cleaner.text(f"a {value} b")

    def settle(self) -> None:
        """Waits until no index is being made: one that is done may start another, for what was learnt meanwhile."""
        while True:
            with self.known._lock:  # held while an index is put in place
                builder = self.known.builder
            if builder is None:
                return
            builder.join(30)
            assert not builder.is_alive()


def test_nothing_is_listed_again_while_nothing_changes() -> None:
    house = House("first-secret-1")
    assert all(house.hides("first-secret-1") for _ in range(50))
    assert house.listed == 1


def test_a_new_secret_is_known_at_once_and_the_old_one_stays_known() -> None:
    house = House("first-secret-1")
    house.now("second-secret-2")
    assert house.hides("second-secret-2")
    assert house.hides("first-secret-1"), "the site may still say it"
    assert house.listed == 2


def test_secrets_of_before_are_bounded() -> None:
    house = House("secret-number-0")
    for number in range(1, 4):
        house.now(*(f"secret-{number}-of-{n}" for n in range(FORMER_LIMIT)))
        assert house.hides(f"secret-{number}-of-7")
        house.settle()
    assert len(house.known._known) == 2 * FORMER_LIMIT


def test_many_new_secrets_are_searched_for_one_by_one_until_their_segments_are_made() -> None:
    house = House("first-secret-1")
    many = [f"secret-{number}-{'x' * 40}" for number in range(RECENT_BYTES // 20)]
    house.now(*many)
    index = house.known.index()
    builder = house.known.builder
    assert builder is None or any(isinstance(segment, Literal) for segment in index.segments)
    assert all(house.hides(value) for value in many[::100])
    house.settle()
    assert not any(isinstance(segment, Literal) for segment in house.known.index().segments)
    assert all(house.hides(value) for value in many[::100])
    assert house.hides(f"{many[5][:14]}")


def test_what_was_just_handed_out_is_known_before_it_is_stored() -> None:
    house = House("first-secret-1")
    house.cleaner.learn([KnownSecret("handed-out-just-now", "new", "p")])
    assert house.hides("handed-out-just-now")
    house.now("first-secret-1", "handed-out-just-now")
    assert house.hides("handed-out-just-now")
    assert house.hides("first-secret-1")


def test_letters_are_those_of_all_secrets_however_they_came_to_be_known() -> None:
    house = House("first-secret-1")
    house.now("first-secret-1", "SECOND")
    house.cleaner.learn([KnownSecret("third~secret~", "new", "p")])
    assert house.known.index().letters == frozenset(b"first-secret-1SECONDthird~secret~")


def test_another_configuration_asks_elsewhere() -> None:
    house = House("first-secret-1")
    house.known.set_source(lambda: (house,), lambda: [KnownSecret("of-the-other-one", "token", "p", "a")])
    assert house.hides("of-the-other-one")
    assert house.hides("first-secret-1")


def test_what_every_browser_sends_is_no_secret() -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    material = Credentials(headers={"User-Agent": agent, "x-device": "device-0123456789"}, password="hunter2")
    cleaner = Cleaner.of(material, "p", "a")
    assert cleaner.text(agent) == agent
    assert cleaner.words("device-0123456789 hunter2") == f"{HIDDEN} {HIDDEN}"
    assert cleaner.words(next(k.value for k in secrets_of(material, "p", "a") if k.name == "password_sha256")) == HIDDEN


def test_those_that_are_learnt_are_bounded_and_the_same_again_costs_nothing() -> None:
    house = House("first-secret-1")
    for start in range(0, FORMER_LIMIT + 100, 50):
        house.cleaner.learn(KnownSecret(f"learnt-secret-{n}", "new") for n in range(start, start + 50))
    assert len(house.known._former) == FORMER_LIMIT
    assert len(house.known._known) == FORMER_LIMIT + 1
    assert house.hides("first-secret-1"), "what is in force is never pushed out"
    house.settle()
    before = house.known.index()
    house.cleaner.learn([KnownSecret(f"learnt-secret-{FORMER_LIMIT}", "new")])
    assert house.known.index() is before
