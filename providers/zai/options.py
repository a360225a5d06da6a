"""Z.AI's keys in config.yaml. All but `base_url`, `citations` and `create_chat` are site data that ages."""

from collections.abc import Mapping

from pydantic import Field

from providers.contract.provider import ProviderOptions
from providers.shared.citations import CitationStyle
from providers.zai import data as zai_data


class ZaiOptions(ProviderOptions):
    """The keys of a `zai` provider."""

    base_url: str = zai_data.ORIGIN
    citations: CitationStyle = "annotations"
    create_chat: bool = True
    client_version: str = Field(default=zai_data.CLIENT_VERSION, pattern=r"^[\w.-]{1,64}$")
    signature_key: str = zai_data.SIGNATURE_KEY
    origin: str = zai_data.ORIGIN
    headers: Mapping[str, str] = Field(default_factory=dict)
    query: Mapping[str, str] = Field(default_factory=dict)
    model_ids: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)
