"""The certificate of `listen.tls` in force: read with the configuration, judged at the start and at each reload."""

from dataclasses import replace
from datetime import UTC, datetime

from addons.config.configuration import Config
from addons.config.loader import ConfigError
from addons.config.tls_files import TlsPair, TlsProblem, read_pair


def with_certificate(config: Config, now: float) -> Config:
    """The configuration with the pair that `listen.tls` names. Raises ConfigError. Blocks on the disk."""
    tls = config.sections.listen.tls
    if tls is None:
        return config
    try:
        return replace(config, tls=read_pair(config.path(tls.cert), config.path(tls.key), now))
    except TlsProblem as e:
        raise ConfigError([f"{config.file}: {e}"]) from None


def renewed_words(old: TlsPair | None, new: TlsPair | None) -> str | None:
    """The sentence about a certificate that has taken another's place, if one has."""
    if old is None or new is None or old.certificates == new.certificates:
        return None
    until = datetime.fromtimestamp(new.ends, UTC)
    return f"new connections are given the new certificate, which is valid until {until:%Y-%m-%d}"


def shown_host(pair: TlsPair, host: str) -> str:
    """The host of the base URL: what the gateway listens on where the certificate is for that, else its first name."""
    names = pair.names
    return host if host in names else next((name for name in names if not name.startswith("*")), host)
