"""The encrypted session store. docs/vault-format.md describes the file for readers in other languages."""
