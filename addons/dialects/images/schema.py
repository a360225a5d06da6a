"""The form of a request for pictures, as far as its meaning depends on it. Unknown fields are kept.

OpenBody         what the gateway itself has to know; an official API judges the rest itself
GenerationBody   the whole form, which a web session needs
EditBody         the same, with the pictures to be changed
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, StrictBool, StrictStr

from addons.dialects.chat_completions.schema import FRACTIONLESS

PROMPT_CHARS: Final = 32_000
"""As OpenAI's newest models take."""
SOURCES_LIMIT: Final = 16
N_LIMIT: Final = 10

type Prompt = Annotated[StrictStr, Field(min_length=1, max_length=PROMPT_CHARS)]
type Short = Annotated[StrictStr, Field(max_length=64)]


class OpenBody(BaseModel):
    """What the gateway itself has to know."""

    model_config = ConfigDict(extra="allow")

    model: StrictStr = Field(min_length=1, max_length=256)
    prompt: StrictStr
    stream: StrictBool | None = None


class GenerationBody(OpenBody):
    """What a web session needs."""

    prompt: Prompt
    n: Annotated[int, Field(strict=True, ge=1, le=N_LIMIT), FRACTIONLESS] | None = None
    size: Short | None = None
    response_format: Literal["url", "b64_json"] | None = None
    quality: Short | None = None
    style: Short | None = None
    background: Short | None = None
    output_format: Short | None = None
    output_compression: Annotated[int, Field(strict=True, ge=0, le=100), FRACTIONLESS] | None = None
    moderation: Short | None = None
    partial_images: Annotated[int, Field(strict=True, ge=0, le=3), FRACTIONLESS] | None = None
    user: StrictStr | None = None


class SourceBody(BaseModel):
    """A picture that is named, as the JSON form of edits has it."""

    model_config = ConfigDict(extra="allow")

    image_url: StrictStr | None = None
    file_id: StrictStr | None = None


class EditBody(GenerationBody):
    """What a web session needs of a request to change pictures, in JSON."""

    image: StrictStr | Annotated[list[StrictStr], FailFast(), Field(min_length=1, max_length=SOURCES_LIMIT)] | None = (
        None
    )
    """data: URLs, as some clients send them."""
    images: Annotated[list[SourceBody], FailFast(), Field(min_length=1, max_length=SOURCES_LIMIT)] | None = None
    mask: SourceBody | StrictStr | None = None
    input_fidelity: Short | None = None
