"""The tables of the ledger from one version to the next, for Alembic (addons/usage/schema_version.py runs it)."""
