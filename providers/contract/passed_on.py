"""Requests that only an API of the OpenAI form can answer: embeddings, speech, moderations, rankings, files, batches.

An API is asked what the client asked, in the client's bytes but for the name of the model, and its answer goes back as
it came (`Verbatim`). What kind of request it is decides which operation of a provider it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

from providers.contract.chat import NOTHING
from providers.contract.form import Form
from providers.contract.requests import ModelRequest

_TEXTS: Final = ("input", "query", "documents")
"""Fields that hold what is read: a text, or several."""


@dataclass(frozen=True, slots=True)
class PassedRequest(ModelRequest):
    """The base. `extra` is not used: `fields` has all that was sent."""

    endpoint: ClassVar[str] = ""
    """The path below an API's address, as OpenAI has it."""
    body: bytes = b""
    """As the client sent it, not packed."""
    fields: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Of a JSON body all of them; of a form those that are text. Empty where there is no body."""
    form: Form | None = None
    """The body, where it was a form."""
    provider: str = ""
    """By its name in config.yaml: who is to be asked where no model says that."""

    @property
    def answers_bytes(self) -> bool:
        """The answer is no document (sound, a file): it goes on while it comes."""
        return False

    @property
    def thinks(self) -> bool:
        """Long texts and sounds take their time before the first byte."""
        return True

    def words(self) -> Iterator[str]:
        for name in _TEXTS:
            value = self.fields.get(name)
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str):
                    yield text


@dataclass(frozen=True, slots=True)
class EmbeddingRequest(PassedRequest):
    """POST /v1/embeddings."""

    kind: ClassVar[str] = "embeddings"
    endpoint: ClassVar[str] = "embeddings"


@dataclass(frozen=True, slots=True)
class SpeechRequest(PassedRequest):
    """POST /v1/audio/speech: a text to sound, or with `stream_format` sse to events with sound in them."""

    kind: ClassVar[str] = "speech"
    endpoint: ClassVar[str] = "audio/speech"

    @property
    def answers_bytes(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class TranscriptionRequest(PassedRequest):
    """POST /v1/audio/transcriptions: a form with a sound."""

    kind: ClassVar[str] = "transcriptions"
    endpoint: ClassVar[str] = "audio/transcriptions"


@dataclass(frozen=True, slots=True)
class TranslationRequest(PassedRequest):
    """POST /v1/audio/translations: a form with a sound, which is told in English."""

    kind: ClassVar[str] = "translations"
    endpoint: ClassVar[str] = "audio/translations"


@dataclass(frozen=True, slots=True)
class VariationRequest(PassedRequest):
    """POST /v1/images/variations: a form with a picture."""

    kind: ClassVar[str] = "variations of pictures"
    endpoint: ClassVar[str] = "images/variations"


@dataclass(frozen=True, slots=True)
class ModerationRequest(PassedRequest):
    """POST /v1/moderations."""

    kind: ClassVar[str] = "moderations"
    endpoint: ClassVar[str] = "moderations"


@dataclass(frozen=True, slots=True)
class RerankRequest(PassedRequest):
    """POST /v1/rerank: documents in the order in which they fit a query."""

    kind: ClassVar[str] = "rankings"
    endpoint: ClassVar[str] = "rerank"


type Action = Literal["create", "retrieve", "content", "delete", "cancel"]


@dataclass(frozen=True, slots=True)
class ResourceRequest(PassedRequest):
    """Something that one account has under an id: it is made, asked for, or taken away."""

    resource: ClassVar[str] = ""
    """What such ids name, as kept items and `Issued` call it."""
    action: Action = "create"
    id: str = ""
    """Empty where it is to be made."""

    @property
    def answers_bytes(self) -> bool:
        return self.action == "content"

    @property
    def path(self) -> str:
        """What stands behind the endpoint's path, with the slash before it."""
        if not self.id:
            return ""
        return f"/{self.id}/{self.action}" if self.action in ("content", "cancel") else f"/{self.id}"

    @property
    def method(self) -> str:
        if self.action in ("retrieve", "content"):
            return "GET"
        return "DELETE" if self.action == "delete" else "POST"


@dataclass(frozen=True, slots=True)
class FileRequest(ResourceRequest):
    """/v1/files and what lies below it."""

    kind: ClassVar[str] = "files"
    endpoint: ClassVar[str] = "files"
    resource: ClassVar[str] = "file"


@dataclass(frozen=True, slots=True)
class BatchRequest(ResourceRequest):
    """/v1/batches and what lies below it. It is made where its input file lies."""

    kind: ClassVar[str] = "batches"
    endpoint: ClassVar[str] = "batches"
    resource: ClassVar[str] = "batch"

    @property
    def once(self) -> bool:
        return self.action == "create"


PASSED: Final[tuple[type[PassedRequest], ...]] = (
    EmbeddingRequest,
    SpeechRequest,
    TranscriptionRequest,
    TranslationRequest,
    VariationRequest,
    ModerationRequest,
    RerankRequest,
    FileRequest,
    BatchRequest,
)
ENDPOINTS: Final = tuple(kind.endpoint for kind in PASSED)
