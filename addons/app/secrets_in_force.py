"""Every secret that is in force, for the cleaner: of all sessions, the clients' keys, the passwords for signing in."""

from collections.abc import Iterator
from dataclasses import dataclass

from addons.accounts.sessions import SessionVault
from addons.app.lent_keys import LentKeys
from addons.cleaning.index import KnownSecret, secrets_of
from addons.cleaning.known import Version
from addons.config.configuration import Config
from providers.contract.session import Credentials


@dataclass(frozen=True, slots=True)
class SecretsInForce:
    """All secrets of a configuration and of the sessions there are."""

    config: Config
    sessions: SessionVault
    lent: LentKeys

    def version(self) -> Version:
        """Another one when `find` gives others."""
        return (self.config, self.lent.keys, *self.sessions.version())

    def find(self) -> Iterator[KnownSecret]:
        yield from self.sessions.secrets()
        for key, session in self.config.env_sessions.items():
            yield from secrets_of(session, *key)
        tokens = (*self.config.tokens, *(key.token for key in self.lent.keys))
        yield from (KnownSecret(token, "client_key") for token in tokens)
        if (token := self.config.sections.metrics.token) is not None:
            yield KnownSecret(token.get_secret_value(), "client_key")
        for settings in self.config.providers:
            for account in settings.accounts:
                if (own := account.credentials) is not None:
                    given = Credentials(email=own.email, password=own.password.get_secret_value())
                    yield from secrets_of(given, settings.name, account.name)
