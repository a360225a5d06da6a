"""The errors of the vault.

VaultError
  VaultMissing       there is no file
  VaultLocked        the key is not to be had
  WrongKey           the key is not this vault's
  VaultDamaged       the file is not as it was written
    VaultWeak        its key derivation is cheaper than allowed
  VaultRollback      the file is older than one seen before
  VaultPermissions   the file, its folder or its lock could be read or changed by others
  VaultBusy          another process holds the lock
  VaultConflict      a record was changed by somebody else meanwhile
  VaultRefused       what was asked for is not to be done; the vault is as it was
  VaultVersion       the file is of a newer format
"""

from addons.words.commands import command


class VaultError(Exception):
    """Base of all vault errors; the text says what happened and what to do. It never holds a secret."""


class VaultMissing(VaultError): ...


class VaultLocked(VaultError): ...


class WrongKey(VaultError): ...


class VaultDamaged(VaultError):
    def __init__(self, where: str) -> None:
        super().__init__(f"the vault is damaged ({where}); put back a backup, or add the sessions anew")
        self.where = where


class VaultWeak(VaultDamaged):
    """Without leave to use such a file it counts as damaged: cheap parameters are what a thief would edit in."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.args = (
            f"the vault derives a key too cheaply ({where} is below the least): it was edited, or made elsewhere. "
            f"If you trust it, give it another key: {command('vault', 'rotate-passphrase', '--allow-weak-kdf')}",
        )


class VaultRollback(VaultError): ...


class VaultPermissions(VaultError): ...


class VaultBusy(VaultError): ...


class VaultConflict(VaultError): ...


class VaultRefused(VaultError): ...


class VaultVersion(VaultError): ...
