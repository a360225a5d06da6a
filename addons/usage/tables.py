"""The ledger's table as SQLAlchemy knows it. Importing this loads SQLAlchemy: only where usage is on.

What is changed here needs a step in addons/usage/migrations/versions/.
"""

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()
VERSION_TABLE: Final = "glassgate_version"
"""Where Alembic keeps the version: a PostgreSQL database may be shared with other programs that use it."""

REQUESTS: Final = sa.Table(
    "glassgate_requests",
    METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False, doc="Its end, in Unix milliseconds."),
    sa.Column("request_id", sa.Text, nullable=False, doc="As the log and the client's answer have it."),
    sa.Column("key", sa.Text, nullable=False, doc="The client key's name."),
    sa.Column("client", sa.Text, nullable=False, doc="The address it came from."),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("asked", sa.Text, doc="The model in the client's words, bounded and cleaned."),
    sa.Column("model", sa.Text, doc="That answered or was asked last; NULL where none was."),
    sa.Column("provider", sa.Text),
    sa.Column("account", sa.Text),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False, doc="Of all attempts, as are all tokens."),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False, doc="Of the prompt."),
    sa.Column("written_tokens", sa.BigInteger, nullable=False, doc="Of the prompt: kept by the provider from then on."),
    sa.Column("reasoning_tokens", sa.BigInteger, nullable=False, doc="Of the completion."),
    sa.Column("cost_nano", sa.BigInteger, doc="Billionths of a USD; NULL where no price was known."),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("cache", sa.Text, nullable=False, doc="hit, miss, or empty."),
    sa.Column("wait_ms", sa.BigInteger, nullable=False),
    sa.Column("first_token_ms", sa.BigInteger),
    sa.Column("total_ms", sa.BigInteger, nullable=False),
    sa.Index("glassgate_requests_at", "at"),
    sa.Index("glassgate_requests_key_at", "key", "at"),
)

VERSION: Final = sa.Table(
    VERSION_TABLE,
    METADATA,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""Of the form that Alembic makes."""
