"""The Z.AI web chat (chat.z.ai), used with the person's own session.

A stale client version is read anew from the page when the site calls it outdated. Captchas are not solved: the error
names the way out.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from providers.contract.operation import Operation
from providers.contract.provider import Model, Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment, Steps
from providers.zai.api import ZaiApi
from providers.zai.chat import NATIVE, ZaiTurn
from providers.zai.options import ZaiOptions
from providers.zai.session import read_token
from providers.zai.sign_in import ZaiSignIn
from providers.zai.uploads import ZaiUploads


class Zai(Provider[ZaiOptions]):
    """The provider of Z.AI's web chat."""

    type_name: ClassVar[str] = "zai"
    Options: ClassVar[type[ProviderOptions]] = ZaiOptions
    meets_checks: ClassVar[bool] = True

    def __init__(self, name: str, options: ZaiOptions) -> None:
        super().__init__(name, options)
        self._api = ZaiApi(options)
        self.operations = {ChatRequest: Operation(NATIVE, partial(ZaiTurn, self._api), threads=True)}
        self.sign_in = ZaiSignIn(self._api)
        self.uploads = ZaiUploads(self._api)

    def models(self) -> Mapping[str, Model]:
        return self._api.catalogue

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        return self._api.learn_models(session)

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return read_token(self.name, account, credentials)
