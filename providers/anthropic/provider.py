"""Any API of the form of Anthropic's Messages, used with a key. What is special about the known ones is data.

A request of the same form is passed on as it is, with the API's own answer; a chat of any other client is written in
the form (request.py) and its answer read into events (decoder.py).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from providers.anthropic.api import AnthropicApi
from providers.anthropic.options import AnthropicOptions
from providers.anthropic.request import NATIVE
from providers.anthropic.sign_in import KeySignIn
from providers.anthropic.turns import ChatTurn, PassedTurn
from providers.contract.native import MessagesRequest
from providers.contract.operation import Operation
from providers.contract.provider import Model, Provider
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment, Steps
from providers.official.key import read_session


class Anthropic(Provider[AnthropicOptions]):
    """The provider of an API of the Messages form."""

    type_name: ClassVar[str] = "anthropic"
    Options: ClassVar[type[AnthropicOptions]] = AnthropicOptions
    web_session: ClassVar[bool] = False

    def __init__(self, name: str, options: AnthropicOptions) -> None:
        super().__init__(name, options)
        self._api = AnthropicApi(name, options)
        native = NATIVE | ({"json_schema"} if self._api.preset.schemas else frozenset())
        self.operations: Mapping[type[ModelRequest], Operation[Any]] = {
            MessagesRequest: Operation(None, partial(PassedTurn, self._api)),
            ChatRequest: Operation(native, partial(ChatTurn, self._api)),
        }
        self.sign_in = KeySignIn(self._api)

    def models(self) -> Mapping[str, Model]:
        return self._api.models

    def list_models(self, session: Session, moment: Moment) -> Steps[None] | None:
        wanted = not self.options.models and self._api.preset.lists_models
        return self._api.learn_models(session) if wanted else None

    def doubts(self) -> tuple[str, ...]:
        return (self._api.advice(),) if self._api.meant() is not None else ()

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return read_session(self.name, account, credentials)
