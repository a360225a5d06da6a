"""The gateway's own keys: which of them a request shows, and the name of one that was given none."""

import hashlib
import hmac
from collections.abc import Mapping
from unittest.mock import patch

import pytest

from addons.config.client_keys import ClientKey, ClientKeys, digest_of, name_by_hash
from addons.keys.limits import NO_LIMITS
from addons.keys.managed import ManagedKey, ManagedSet, hash_of
from tests.support.counting import work_of

ADA, BOB = "sk-key-of-ada-0123", "sk-key-of-bob-0123"
KEYS = ClientKeys([ClientKey("ada", ADA), ClientKey("bob", BOB)])


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({}, []),
        ({"authorization": f"Bearer {ADA}"}, ["ada"]),
        ({"authorization": f"bearer   {ADA} "}, ["ada"]),
        ({"authorization": ADA}, []),
        ({"authorization": f"Basic {ADA}"}, []),
        ({"authorization": "Bearer"}, []),
        ({"authorization": "Bearer "}, []),
        ({"x-api-key": ADA}, ["ada"]),
        ({"api-key": f" {BOB} "}, ["bob"]),
        ({"x-goog-api-key": BOB}, ["bob"]),
        ({"x-api-key": f"Bearer {ADA}"}, []),
        ({"cookie": ADA, "x-other": ADA}, []),
        ({"x-api-key": BOB, "authorization": f"Bearer {ADA}"}, ["ada", "bob"]),
        ({"x-api-key": ADA, "authorization": f"Bearer {ADA}"}, ["ada"]),
        ({"x-api-key": "of-another-service", "authorization": f"Bearer {ADA}"}, ["ada"]),
        ({"authorization": f"Bearer of-another, Bearer {BOB}"}, ["bob"]),
        ({"x-api-key": ADA.upper()}, []),
        ({"x-api-key": ADA[:-1]}, []),
    ],
)
def test_keys_a_request_shows(headers: Mapping[str, str], names: list[str]) -> None:
    assert [found.name for found in KEYS.shown_in(headers)] == names


@pytest.mark.parametrize(("others", "known"), [(1, True), (6, True), (7, False), (1000, False)])
def test_one_that_tries_many_keys_at_once_shows_none(others: int, known: bool) -> None:
    """The field as a whole counts too: a key may have a comma in it."""
    fields = {"authorization": ",".join(f"Bearer k{number}" for number in range(others)), "x-api-key": ADA}
    if others == 1:
        fields["authorization"] += ","
    assert bool(KEYS.shown_in(fields)) is known


def test_every_key_is_compared_whichever_fits() -> None:
    """Else the time an answer takes tells how far down the list a key stands."""
    with patch("addons.config.client_keys.hmac.compare_digest", wraps=hmac.compare_digest) as compared:
        KEYS.shown_in({"x-api-key": ADA})
        first = compared.call_count
        KEYS.shown_in({"x-api-key": "of nobody"})
    assert (first, compared.call_count - first) == (2, 2)


def test_a_key_that_was_identified_is_known_again_by_its_digest() -> None:
    [found] = KEYS.shown_in({"x-api-key": ADA})
    assert KEYS.holds(found.digest)
    assert not ClientKeys([ClientKey("ada", "sk-newer-of-ada")]).holds(found.digest)
    assert not KEYS.holds(None)
    assert (len(KEYS), len(ClientKeys([]))) == (2, 0)


def test_two_names_of_one_key_are_one_identity() -> None:
    twice = ClientKeys([ClientKey("one", ADA), ClientKey("two", ADA)])
    assert [found.digest for found in twice.shown_in({"x-api-key": ADA})] == [digest_of(ADA)]


def test_bytes_of_a_header_that_are_no_utf_8_have_a_digest_too() -> None:
    assert digest_of("sk-\udcff") == hashlib.sha256(b"sk-\xff").digest()


def test_a_name_is_the_same_at_every_start_and_tells_the_key_to_nobody() -> None:
    strong, weak = "s" * 32, "w" * 31
    assert name_by_hash(strong) == name_by_hash(strong) != name_by_hash("s" * 33)
    for token in (strong, weak):
        name = name_by_hash(token)
        assert name.startswith("key-")
        assert len(name) == 12
        assert name[4:] not in hashlib.sha256(token.encode()).hexdigest()


@pytest.mark.parametrize(("length", "slow"), [(31, True), (32, False)])
def test_the_name_of_a_short_key_is_slow_to_guess(length: int, slow: bool) -> None:
    with patch("addons.config.client_keys.hashlib.scrypt", wraps=hashlib.scrypt) as scrypt:
        name_by_hash.__wrapped__("k" * length)
    assert bool(scrypt.call_count) is slow


def test_no_key_stands_in_a_repr() -> None:
    assert ADA not in repr(ClientKey("ada", ADA, "AUTH_TOKEN"))


def test_a_guess_is_as_much_work_however_much_of_it_is_right() -> None:
    """Of keys of the configuration and of managed ones: what is compared are digests, and all of them."""
    managed = "sk-managed-of-eve-0123"
    kept = ManagedKey("eve", b"i" * 16, hash_of(managed, b"s" * 32), 0.0, NO_LIMITS)
    keys = ClientKeys([ClientKey("ada", ADA), ClientKey("bob", BOB)], ManagedSet([kept], b"s" * 32), lambda: 1.0)
    guesses = [key[:right] + "x" * (len(ADA) - right) for key in (ADA, BOB, managed) for right in range(len(ADA))]
    keys.shown_in({"x-api-key": "so that all is loaded"})
    done = {work_of(lambda guess=guess: keys.shown_in({"x-api-key": guess})) for guess in guesses}  # type: ignore[misc]
    assert len(done) == 1, "nothing found, and as much work"
    assert next(iter(done))[0] == ()
    with patch.object(hmac, "compare_digest", wraps=hmac.compare_digest) as compared:
        for shown in (ADA, BOB, guesses[0]):
            keys.shown_in({"x-api-key": shown})
    assert compared.call_count == 3 * 2, "no early way out where it is found, either"
    assert {len(side) for call in compared.call_args_list for side in call.args} == {32}
