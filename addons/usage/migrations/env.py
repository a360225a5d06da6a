"""What Alembic runs to take the steps: over the connection it was given, within the transaction that is open there."""

from alembic import context

from addons.usage.tables import VERSION_TABLE


def take_steps() -> None:
    """Takes them. The connection stands in the attributes of Alembic's configuration."""
    context.configure(
        connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transactional_ddl=False
    )
    context.run_migrations()


if __name__ == "env_py":  # so Alembic calls it; whoever else imports this wants no migration
    take_steps()
