"""Qwen Chat (chat.qwen.ai) with a person's own session: a new chat for each request, then its completion as a stream.

The protocol is the page's own and undocumented; what the site changes from month to month stands in qwen/data.py.
"""

from collections.abc import Mapping
from typing import ClassVar

from providers.contract.call import origin_of
from providers.contract.operation import Operation, Turn
from providers.contract.provider import Model, Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment, Steps
from providers.qwen.api import QwenApi
from providers.qwen.chat import NATIVE, QwenTurn
from providers.qwen.options import QwenOptions
from providers.qwen.pictures import FetchedPicture, picture_urls
from providers.qwen.session import read_secrets
from providers.qwen.sign_in import QwenSignIn
from providers.qwen.uploads import QwenUploads, upload_urls


class Qwen(Provider[QwenOptions]):
    """The provider of Qwen Chat."""

    type_name: ClassVar[str] = "qwen"
    Options: ClassVar[type[ProviderOptions]] = QwenOptions
    meets_checks: ClassVar[bool] = True
    intercepts_tools: ClassVar[bool] = True

    def __init__(self, name: str, options: QwenOptions) -> None:
        super().__init__(name, options)
        self._api = QwenApi(options)
        self.operations = {ChatRequest: Operation(NATIVE, self._turn, threads=True)}
        self.sign_in = QwenSignIn(self._api)
        self.uploads = QwenUploads(self._api)

    def _turn(self, chat: ChatRequest, session: Session) -> Turn:
        kind = FetchedPicture if chat.drawing == "content" else QwenTurn
        return kind(self._api, chat, session)

    def origins(self) -> frozenset[str]:
        return super().origins() | {origin_of(self.options.auth_url)}

    def upload_origins(self) -> frozenset[str]:
        return frozenset(map(origin_of, (*upload_urls(self.options), *picture_urls(self.options))))

    def models(self) -> Mapping[str, Model]:
        return self._api.catalogue.models

    def list_models(self, session: Session, moment: Moment) -> Steps[None]:
        return self._api.learn_models(session, moment)

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return read_secrets(self.name, account, credentials)
