"""The sites' own lists of models, asked for at the start and now and then."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from addons.app.runtime import Running
from providers.contract.errors import ErrorKind, ProviderError

log = logging.getLogger("glassgate")


@dataclass(frozen=True, slots=True)
class LiveModels:
    """Refreshes the models of all providers. `parts` gives the running parts; `learnt` is called behind each."""

    parts: Callable[[], Running]
    learnt: Callable[[], None]

    async def learn(self) -> None:
        """Asks every provider that can be asked; a failure is logged and changes nothing."""
        parts = self.parts()
        for name in parts.providers:
            try:
                await _learn_of(name, parts)
            except Exception:
                log.exception("%s: the live list of models could not be read: a fault of the gateway", name)
        self.learnt()


async def _learn_of(name: str, parts: Running) -> None:
    """Asks one account after another until one gets the list."""
    provider = parts.providers[name]
    for account in parts.pool.of(name):
        if account.availability.is_challenged():
            continue
        try:
            session = await parts.pool.renewal.session(account)
        except ProviderError:
            continue  # the account's state is told already
        try:
            steps = provider.list_models(session, parts.context.moment())
            if steps is None:
                return
            await parts.steps.run(provider, steps, session)
        except ProviderError as e:
            level = logging.WARNING if e.kind is ErrorKind.MISCONFIGURED else logging.INFO
            log.log(level, "%s: the live list of models is not to be had: %s", name, e.message)
            continue
        parts.models.forget()
        return
