"""What can be wrong with a vault: who catches what, and words that say what to do."""

import inspect

import pytest

from addons.vault import errors
from addons.vault.errors import VaultDamaged, VaultError, VaultWeak

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_one_is_a_vault_error_with_its_text(kind: type[VaultError]) -> None:
    assert issubclass(kind, VaultError)
    assert "here" in str(kind("here"))


def test_the_page_of_errors_names_them_all_in_their_order() -> None:
    """As the tree at the head of the module, by how far each is indented."""
    tree = [line for line in (errors.__doc__ or "").splitlines() if line.startswith(("Vault", " ")) and line.strip()]
    parents = ["Exception"]
    for line in tree:
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        kind = getattr(errors, name)
        assert kind.__base__.__name__ == parents[depth], name
        parents[depth + 1 :] = [name]
    assert {line.split()[0] for line in tree} == {kind.__name__ for kind in KINDS}


def test_damage_says_where_and_what_to_do() -> None:
    error = VaultDamaged("record 3")
    assert error.where == "record 3"
    assert str(error) == "the vault is damaged (record 3); put back a backup, or add the sessions anew"


def test_cheap_parameters_are_damage_that_may_be_opened_with_leave() -> None:
    error = VaultWeak("scrypt n")
    assert isinstance(error, VaultDamaged)
    assert error.where == "scrypt n"
    assert "scrypt n is below the least" in str(error)
    assert "--allow-weak-kdf" in str(error)
