"""config.yaml as a test writes it: what is made of it, or what is said against it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from addons.config.configuration import Config
from addons.config.loader import ConfigError, load_config

KEY: Final = {"AUTH_TOKEN": "sk-test-0123456789"}
STRONG: Final = "sk-strong-0123456789abcdef0123456789abcdef"
ZAI: Final = "  zai: {type: zai, base_url: https://chat.z.ai, accounts: [{name: main}]}\n"
LONGCAT: Final = "  longcat: {type: longcat, base_url: https://longcat.chat, accounts: [{name: main}, {name: two}]}\n"
PROVIDERS: Final = f"providers:\n{ZAI}"


def written(folder: Path, text: str | bytes, environ: Mapping[str, str] = KEY) -> Config:
    """Raises ConfigError."""
    file = folder / "config.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(file, environ)


def problems(folder: Path, text: str | bytes, environ: Mapping[str, str] = KEY) -> list[str]:
    """What a ConfigError says, without the folder."""
    with pytest.raises(ConfigError) as caught:
        written(folder, text, environ)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def strong(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> Config:
    """Of a gateway whose client key is long enough for any listener, unless the environment says otherwise."""
    return written(folder, text + PROVIDERS, {"AUTH_TOKEN": STRONG} if environ is None else environ)
