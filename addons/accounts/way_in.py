"""The command that stores a session of an account, or another one: the same one wherever it is named."""

import time
import uuid

from addons.words.commands import capture, command
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Session
from providers.contract.steps import Moment


def way_in(provider: Provider[ProviderOptions], account: str) -> str:
    """The command for this account: a key is stored, a session signed in for by program, where the site lets one in, or
    in the browser."""
    if not provider.web_session:
        return command("sessions", "add", provider.name, account, "--api-key-stdin")
    return command("login", provider.name, account) if signs_in(provider, account) else capture(provider.name, account)


def signs_in(provider: Provider[ProviderOptions], account: str) -> bool:
    """Whether a program may sign in at the site with e-mail and password."""
    session = Session(provider.name, account, ("email", "password", "password_sha256"))
    steps = provider.sign_in.with_password(
        session, Moment(time.time_ns() // 1_000_000, lambda: str(uuid.uuid4()), "UTC")
    )
    if steps is not None:
        steps.close()
    return steps is not None
