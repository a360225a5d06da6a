"""What goes wrong with the ledger's database."""


class LedgerError(Exception):
    """It cannot be used now; the text says why, without secrets."""


class LedgerMissing(LedgerError):
    """There is none yet."""


class BadRows(LedgerError):
    """It refuses what it was given, and would again."""
