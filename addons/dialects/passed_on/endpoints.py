"""The endpoints that are passed on: where each is served, what its body is, what kind of request it makes. Data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from addons.dialects.client_session import CACHE
from addons.dialects.routes import POST, Route
from providers.contract.passed_on import (
    Action,
    BatchRequest,
    EmbeddingRequest,
    FileRequest,
    ModerationRequest,
    PassedRequest,
    RerankRequest,
    SpeechRequest,
    TranscriptionRequest,
    TranslationRequest,
    VariationRequest,
)

PROVIDER: Final = "x-glassgate-provider"
"""The header that says which provider is asked, where no model does."""
FORM_READS: Final = ("content-type", PROVIDER)
_GET: Final = frozenset({"GET"})
_DELETE: Final = frozenset({"DELETE"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation that is passed on."""

    operation: str
    """Its id in the API's description, by which its route is known again."""
    path: str
    kind: type[PassedRequest]
    body: Literal["json", "form", "none"] = "json"
    action: Action = "create"
    needs: tuple[str, ...] = ()
    """Fields without which nobody could be asked."""
    methods: frozenset[str] = POST

    @property
    def route(self) -> Route:
        reads = FORM_READS if self.body == "form" else (PROVIDER, CACHE) if self.body == "json" else ()
        return Route(self.methods, self.path, self.operation, reads=reads, uploads=self.body == "form")


_ALL: Final = (
    Endpoint("embeddings", "/v1/embeddings", EmbeddingRequest, needs=("model",)),
    Endpoint("audio_speech", "/v1/audio/speech", SpeechRequest, needs=("model",)),
    Endpoint("audio_transcriptions", "/v1/audio/transcriptions", TranscriptionRequest, "form", needs=("model",)),
    Endpoint("audio_translations", "/v1/audio/translations", TranslationRequest, "form", needs=("model",)),
    Endpoint("images_variations", "/v1/images/variations", VariationRequest, "form"),
    Endpoint("moderations", "/v1/moderations", ModerationRequest),
    Endpoint("rerank", "/v1/rerank", RerankRequest, needs=("model",)),
    Endpoint("file_create", "/v1/files", FileRequest, "form"),
    Endpoint("file", "/v1/files/{id}", FileRequest, "none", "retrieve", methods=_GET),
    Endpoint("file_delete", "/v1/files/{id}", FileRequest, "none", "delete", methods=_DELETE),
    Endpoint("file_content", "/v1/files/{id}/content", FileRequest, "none", "content", methods=_GET),
    Endpoint("batch_create", "/v1/batches", BatchRequest, needs=("input_file_id",)),
    Endpoint("batch", "/v1/batches/{id}", BatchRequest, "none", "retrieve", methods=_GET),
    Endpoint("batch_cancel", "/v1/batches/{id}/cancel", BatchRequest, "none", "cancel"),
)
ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.operation: endpoint for endpoint in _ALL}
