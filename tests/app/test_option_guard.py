"""How far mitmproxy's options may open the process, at the start and later."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.exceptions import OptionsError
from mitmproxy.options import Options

from addons.app.option_guard import OptionGuard
from addons.config.configuration import Config
from addons.config.loader import ConfigError, load_config

KEY = "sk-guard-0123456789abcdef0123456789abcdef"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(
        f"auth: {{tokens: [{KEY}]}}\nproviders:\n"
        "  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1/v1', models: [m], accounts: [a]}\n"
    )
    file.chmod(0o600)
    return load_config(file, {})


def options(**given: Any) -> Options:
    found = Options()
    found.add_option("scripts", Sequence[str], [], "")
    found.add_option("connection_strategy", str, "lazy", "")
    found.add_option("keep_host_header", bool, True, "")
    found.update(mode=["reverse:http://127.0.0.1:1"], **given)
    return found


def test_a_mode_without_an_address_listens_where_the_configuration_says(config: Config) -> None:
    guard = OptionGuard(options())
    modes = guard.checked_modes(config)
    assert modes == ["reverse:http://127.0.0.1:1@127.0.0.1:8080"]
    assert guard.address(modes) == "http://127.0.0.1:8080"


def test_an_address_that_was_given_stays(config: Config) -> None:
    guard = OptionGuard(options(listen_host="127.0.0.1", listen_port=9999))
    modes = guard.checked_modes(config)
    assert guard.address(modes) == "http://127.0.0.1:9999"
    assert guard.hosts() == ["127.0.0.1"]


def test_a_mode_that_is_none_of_ours_is_refused(config: Config) -> None:
    given = options()
    given.update(mode=["regular"])
    with pytest.raises(ConfigError, match="mode"):
        OptionGuard(given).checked_modes(config)


def test_what_the_start_refuses_is_refused_later_too(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    given = options()
    guard = OptionGuard(given)
    guard.check_change(config, {"listen_port"})
    given.update(mode=["regular"])
    with pytest.raises(OptionsError), caplog.at_level(logging.ERROR, "glassgate"):
        guard.check_change(config, {"mode"})
    assert "was put back" in caplog.text


def test_scripts_stay_those_of_the_start(config: Config) -> None:
    given = options()
    guard = OptionGuard(given)
    given.update(scripts=["another.py"])
    with pytest.raises(OptionsError, match="scripts cannot be changed"):
        guard.check_change(config, {"scripts"})
