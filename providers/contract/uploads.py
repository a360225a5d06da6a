"""Uploads: what a site takes besides words, and the work that brings a file there.

What is uploaded belongs to the account it was uploaded with. A site may name another host for the bytes; such a host is
one of `Provider.upload_origins()`, whatever the site says, and no secret of the session goes there.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from providers.contract.chat import AttachedPart, MediaKind
from providers.contract.session import Session
from providers.contract.steps import Moment, Work


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a site takes of one kind of file in one request."""

    extensions: frozenset[str]
    """In lower case, without the dot."""
    most_bytes: int
    """Of each."""
    most: int
    """Files of this kind."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to be uploaded; `name` ends in the extension that its bytes have."""

    kind: MediaKind
    name: str
    media_type: str
    data: bytes = field(repr=False)


class Uploads(ABC):
    """The uploads of one provider."""

    valid_s: ClassVar[float]
    """How long what was uploaded is named again without being uploaded anew."""
    one_kind: ClassVar[bool] = False
    """A chat takes files of one kind only."""
    inline_chars: ClassVar[int | None] = None
    """Longer prompts are refused by the site, or likely to be; None where no such limit is known."""

    @abstractmethod
    def accepted(self, model: str) -> Mapping[MediaKind, Accepted]:
        """What the model with this public id can be shown; a kind that is missing is not taken."""

    @abstractmethod
    def upload(self, file: MediaFile, session: Session, now: Moment) -> Work[AttachedPart]:
        """Brings the file to the account's site. Raises ProviderError: then the chat must not go on without it."""
