"""Where a running gateway listens: what commands find of it, and what is left behind."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from tests.support.ports import free_port
from tests.support.processes import KEY, Gateway
from tests.support.waiting import until


@pytest.fixture
def gateway(folder: Path) -> Iterator[Gateway]:
    entry = {"type": "openai_compatible", "base_url": "https://x.example/v1", "accounts": [{"name": "k"}]}
    with Gateway(folder, providers={"alpha": entry}) as running:
        yield running


def command(gateway: Gateway, *arguments: str) -> Result:
    environ = {"AUTH_TOKEN": KEY, "SESSION_ENCRYPTION_KEY": gateway.vault_key}
    return CliRunner().invoke(main, ["--config", str(gateway.config_file), *arguments], env=environ)


def test_a_changed_file_moves_no_listener_and_status_knows(gateway: Gateway) -> None:
    good = dict(gateway.config)
    try:
        gateway.config = {**good, "listen": {"port": free_port()}}
        gateway.write_config()
        assert "listen changed: this takes effect at the next start" in command(gateway, "reload").stdout
        result = command(gateway, "status")
        assert "listen changed" in result.stdout
        assert f"listens at {gateway.url} since its start" in result.stderr
    finally:
        gateway.config = good
        gateway.write_config()
        assert command(gateway, "reload").exit_code == 0


def test_what_a_gateway_left_behind_ends_with_it(gateway: Gateway) -> None:
    file = gateway.vault_path.with_name("gateway.json")
    until(file.exists)
    assert json.loads(file.read_text())["url"] == gateway.url
    gateway.__exit__()
    assert not file.exists()
