"""Qwen's keys in config.yaml. The defaults are those of qwen/data.py."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from providers.contract.provider import ProviderOptions, checked_url
from providers.qwen import data
from providers.shared.citations import CitationStyle


class QwenOptions(ProviderOptions):
    """The keys of a `qwen` provider."""

    base_url: str = data.BASE_URL
    auth_url: Annotated[str, AfterValidator(checked_url)] = data.AUTH_URL
    """Where access tokens are renewed."""
    upload_urls: tuple[Annotated[str, AfterValidator(checked_url)], ...] = data.UPLOAD_URLS
    """Where files may be sent. Where `base_url` is loopback, to such addresses of these only, or to itself."""
    picture_urls: tuple[Annotated[str, AfterValidator(checked_url)], ...] = data.PICTURE_URLS
    """Where pictures may be fetched from. Where `base_url` is loopback, as those for uploads."""
    client_version: str = data.CLIENT_VERSION
    user_agent: str = data.USER_AGENT
    headers: dict[str, str] = Field(default_factory=dict)
    """Put over the page's other headers; an empty value takes one away."""
    model_ids: dict[str, str | list[str]] = Field(default_factory=dict)
    """Public id → the site's id, or several to try; put over the built-in aliases."""
    thinking: Literal["auto", "on", "off"] = "auto"
    """The thinking mode where neither the model's name nor the client says."""
    thinking_budget: Annotated[int, Field(ge=1)] | None = None
    image_size: Literal["1:1", "4:3", "3:4", "16:9", "9:16"] = "1:1"
    citations: CitationStyle = "annotations"
    check_guest: bool = False
    """After each new chat, ask whose session it is: a lost sign-in may go on as a guest's. Costs one call."""
