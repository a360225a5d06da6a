import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from addons.vault import format as vault_format
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.vault.secret import Secret
from addons.vault.store import Vault
from tests.vault.support import RAW, RAW_BYTES, SECRET, WORDS


@pytest.mark.parametrize("show", [repr, str, format, "{:>40}".format, "%s".__mod__, ascii])
def test_a_secret_does_not_show_itself(show: Callable[[Any], str]) -> None:
    assert "canary" not in show(Secret("canary"))
    assert "canary" not in show(Secret(b"canary"))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("thing", [Secret("canary"), VaultKey(passphrase=WORDS)], ids=["secret", "key"])
def test_secrets_are_not_pickled_or_copied(take: Callable[[Any], Any], thing: Any) -> None:
    with pytest.raises(TypeError) as caught:
        take(thing)
    assert "canary" not in str(caught.value)
    assert WORDS not in str(caught.value)


def test_a_secret_is_given_out_on_demand() -> None:
    assert Secret("canary").reveal() == "canary"


def test_nothing_of_a_vault_shows_its_keys_or_sessions(vault: Vault) -> None:
    document = vault_format.read(vault.path.read_bytes(), RAW)
    key = VaultKey(passphrase=WORDS)
    things = [vault, RAW, key, document, vault.get("zai", "main"), vault.records(), vars(key), vars(RAW), vars(vault)]
    shown = " ".join(f"{thing!r} {thing}" for thing in things)
    hidden = [SECRET["token"], "another-token", WORDS, RAW_BYTES.hex(), repr(RAW_BYTES), repr(document.ring[1])]
    assert not [word for word in hidden if word in shown]


def test_no_error_on_the_way_holds_a_secret(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[BaseException] = []

    def note(call: Callable[[], Any]) -> None:
        with pytest.raises(VaultError) as caught:
            call()
        error: BaseException | None = caught.value
        while error is not None:
            errors.append(error)
            error = error.__cause__ or error.__context__

    note(lambda: vault.put("zai", "main", SECRET, expected_rev=9))
    note(lambda: vault.put("zai", "main", {"token": SECRET["token"] + "\ud800"}))
    note(lambda: Vault.open(vault.path, VaultKey(passphrase=WORDS)))
    note(lambda: VaultKey.from_text("tiny-canary"))
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    note(lambda: vault.put("zai", "main", SECRET))
    assert len(errors) >= 5
    shown = " ".join(f"{error!r} {error} {vars(error)}" for error in errors)
    assert not [word for word in (SECRET["token"], WORDS, "tiny-canary", "another-token") if word in shown]
