"""What is asked for where the answer is pictures: new ones (/v1/images/generations), or others changed (…/edits)."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from providers.contract.chat import ImagePart, Message, Part, TextPart
from providers.contract.form import Form
from providers.contract.requests import ChatRequest, ModelRequest


@dataclass(frozen=True)
class SourcePicture:
    """A picture to be changed, or the mask that says where: its bytes out of a form, or else a reference."""

    data: bytes = b""
    content_type: str = ""
    """As its sender names it."""
    reference: str = ""
    """A data: URL, an http(s) address, or the id of a file at an official API."""

    @cached_property
    def part(self) -> ImagePart:
        """The same as a part of a message."""
        if not self.data:
            return ImagePart(self.reference)
        return ImagePart(f"data:{self.content_type.partition(';')[0]};base64,{b64encode(self.data).decode()}")


@dataclass(frozen=True, slots=True)
class ImageRequest(ModelRequest):
    """Pictures after a description. `extra` has all of a JSON body's fields but `model`, as they came."""

    kind: ClassVar[str] = "picture"
    prompt: str
    n: int = 1
    size: str | None = None
    """As the client says it: pixels (1024x1024), `auto`, or the site's own words for a shape."""
    response_format: str | None = None
    """`url` or `b64_json`; None where the client did not say."""
    edits: bool = False
    """Pictures are to be changed, not made anew."""
    sources: tuple[SourcePicture, ...] = ()
    mask: SourcePicture | None = None
    form: Form | None = None
    """The body, where it was a form."""

    def words(self) -> Iterable[str]:
        return (self.prompt,)

    def instead(self) -> ChatRequest:
        """A chat that is one message, for providers whose chats can draw."""
        content: tuple[Part, ...] = (TextPart(self.prompt), *(source.part for source in self.sources))
        return ChatRequest(
            self.model,
            (Message("user", content if self.sources else self.prompt),),
            n=self.n,
            stream=self.stream,
            affinity=self.affinity,
            extra={"size": self.size} if self.size is not None else {},
            drawing="content" if self.response_format == "b64_json" else "link",
        )
