"""K2Think's web chat (www.k2think.ai), used with the person's own session. Experimental.

A stream is asked for, and a whole answer read where the site gives one. `stream: false` asks for a whole answer, which
public clients have proven most; the gateway keeps the client's stream alive meanwhile.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from providers.contract.operation import Operation
from providers.contract.provider import Model, Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment, Steps
from providers.k2think.api import K2ThinkApi
from providers.k2think.chat import NATIVE, K2ThinkTurn
from providers.k2think.options import K2ThinkOptions
from providers.k2think.sign_in import K2ThinkSignIn, read_session


class K2Think(Provider[K2ThinkOptions]):
    """The provider of K2Think's web chat."""

    type_name: ClassVar[str] = "k2think"
    Options: ClassVar[type[ProviderOptions]] = K2ThinkOptions

    def __init__(self, name: str, options: K2ThinkOptions) -> None:
        super().__init__(name, options)
        self._api = K2ThinkApi(options)
        self.operations = {ChatRequest: Operation(NATIVE, partial(K2ThinkTurn, self._api))}
        self.sign_in = K2ThinkSignIn(self._api)

    def models(self) -> Mapping[str, Model]:
        return self._api.catalogue

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        return self._api.learn_models(session)

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return read_session(self.name, account, credentials)
