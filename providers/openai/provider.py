"""Any official API of the OpenAI form, used with a key. What is special about the known ones is data: presets.py.

The answer passes through the same events as every provider's, so an official API can stand in for a web session of the
same models; whatever has no event of its own travels on under its own name.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from providers.contract.native import ResponsesRequest
from providers.contract.operation import Operation, Turn
from providers.contract.passed_on import (
    BatchRequest,
    EmbeddingRequest,
    FileRequest,
    ModerationRequest,
    RerankRequest,
    SpeechRequest,
    TranscriptionRequest,
    TranslationRequest,
    VariationRequest,
)
from providers.contract.pictures import ImageRequest
from providers.contract.provider import Model, Provider
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Moment, Steps
from providers.official.key import read_session
from providers.openai.address import advice, without_endpoint
from providers.openai.api import OpenAIApi
from providers.openai.options import OpenAIOptions
from providers.openai.passed_on import PassedTurn
from providers.openai.pictures import PictureTurn
from providers.openai.preset import OperationName
from providers.openai.resources import ResourceTurn
from providers.openai.responses.request import CARRIED
from providers.openai.responses.turns import ChatByResponseTurn, PassedResponseTurn
from providers.openai.sign_in import KeySignIn
from providers.openai.turns import ChatTurn, CompletionTurn

_OPERATIONS: Final[Mapping[OperationName, tuple[type[ModelRequest], Callable[..., Turn]]]] = {
    "chat": (ChatRequest, ChatTurn),
    "completions": (CompletionRequest, CompletionTurn),
    "responses": (ResponsesRequest, PassedResponseTurn),
    "images": (ImageRequest, PictureTurn),
    "variations": (VariationRequest, PassedTurn),
    "embeddings": (EmbeddingRequest, PassedTurn),
    "speech": (SpeechRequest, PassedTurn),
    "transcriptions": (TranscriptionRequest, PassedTurn),
    "translations": (TranslationRequest, PassedTurn),
    "moderations": (ModerationRequest, PassedTurn),
    "rerank": (RerankRequest, PassedTurn),
    "files": (FileRequest, ResourceTurn),
    "batches": (BatchRequest, ResourceTurn),
}
"""By the names that presets use. Every field of a request is the API's own business."""


class OpenAICompatible(Provider[OpenAIOptions]):
    """The provider of an API of the OpenAI form."""

    type_name: ClassVar[str] = "openai_compatible"
    Options: ClassVar[type[OpenAIOptions]] = OpenAIOptions
    web_session: ClassVar[bool] = False

    def __init__(self, name: str, options: OpenAIOptions) -> None:
        super().__init__(name, options)
        self._api = OpenAIApi(name, options)
        served = options.served()
        operations: dict[type[ModelRequest], Operation[Any]] = {
            kind: Operation(None, partial(turn, self._api)) for kind, turn in map(_OPERATIONS.__getitem__, served)
        }
        self.gives_several = "chat" in served or "responses" not in served
        if not self.gives_several:
            operations[ChatRequest] = Operation(CARRIED, partial(ChatByResponseTurn, self._api))
        self.operations: Mapping[type[ModelRequest], Operation[Any]] = operations
        self.sign_in = KeySignIn(self._api)

    def models(self) -> Mapping[str, Model]:
        return self._api.models

    def list_models(self, session: Session, moment: Moment) -> Steps[None] | None:
        return None if self.options.models else self._api.learn_models(session)

    def doubts(self) -> tuple[str, ...]:
        base_url = self.options.base_url
        right = self._api.meant() if without_endpoint(base_url) is not None else None
        return (advice(self.name, base_url, right),) if right else ()

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return read_session(self.name, account, credentials)
