"""The settings of features: what the gateway does itself for a web session, by provider. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """The keys `features` of config.yaml, as they hold for one provider (docs/configuration.md)."""

    tools: bool = True
    """Tool calls are asked for in words, and read out of the answer."""
    threads: bool = True
    """A conversation that goes on is sent on at the site, its new turn alone, where the provider can do that."""
    remote_media: bool = False
    """Pictures and files that a client names by an http(s) address are fetched."""
    long_prompt_file: bool = False
    """A prompt that is too long for the site is sent as a file."""
    parallel_turns: int = 4
    """Most answers of one request (`n`) that are asked for."""


DEFAULTS = FeatureSettings()
