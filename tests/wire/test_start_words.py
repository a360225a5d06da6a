"""What the log says of a configuration at the start and of a changed one, by real processes."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import waiting
from tests.support.ports import free_port
from tests.support.processes import Gateway, SandboxThread


@pytest.fixture(scope="module")
def gateway(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("words")
    folder.chmod(0o700)
    options = ("--set", "body_sise_limit=1m", "--set", "web_password=x")
    aliases = {"fast": "sandbox-lrge", "good": "sandbox-large", "sandbox-small": "sandbox-large"}
    official = {"official": {"models": ["sandbox-large", "sandbox-small"]}}
    only = {
        "base_urls": {"openai": sites.description()["base_urls"]["openai"]},
        "sessions": sites.description()["sessions"],
    }
    with Gateway(folder, only, arguments=options, providers=official, models={"aliases": aliases}) as running:
        yield running


def until(gateway: Gateway, words: str) -> None:
    waiting.until(lambda: words in gateway.log)


def test_a_name_that_nobody_serves_is_said_once(gateway: Gateway) -> None:
    words = "models.aliases.fast: no provider serves a model 'sandbox-lrge'; did you mean 'sandbox-large'?"
    until(gateway, words)
    assert gateway.log.count(words) == 1
    assert "models.aliases.good" not in gateway.log


def test_a_model_counts_as_one_also_when_an_alias_has_its_name(gateway: Gateway) -> None:
    until(gateway, "models     2 (GET /v1/models lists them)")


def test_an_option_that_mitmproxy_does_not_have_is_said(gateway: Gateway) -> None:
    words = "mitmproxy has no option body_sise_limit, so it changes nothing; did you mean 'body_size_limit'?"
    until(gateway, words)
    assert "web_password" not in gateway.log


def test_each_problem_of_a_changed_file_has_its_line(gateway: Gateway) -> None:
    good = gateway.config_file.read_text()
    gateway.config_file.write_text(good + "lgo: {}\nrouting: {strategy: x}\n")
    until(gateway, "stays in force")
    gateway.config_file.write_text(good)
    until(gateway, "the changed configuration is in force")
    lines = gateway.log.splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith("the one from before stays in force:"))
    told = sorted(lines[at + 1 : at + 3])
    assert all(line.startswith(f"    {gateway.config_file}:") for line in told), gateway.log
    assert "lgo: is not a key there; did you mean 'log'?" in gateway.log
    assert "routing.strategy: must be one of 'priority', 'round_robin', 'least_busy' or 'weighted'" in gateway.log
    assert "\\x0a" not in gateway.log


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("gateway_confg=/tmp/x.yaml", "the gateway has no option gateway_confg; did you mean 'gateway_config'?"),
        ("ciphers_server=NULL", "mitmproxy's option ciphers_server ('NULL') cannot be here: among these ciphers"),
        ("ssl_verify_upstream_trusted_ca=/dev/null", "no certificate can be read there, so no provider could be"),
    ],
)
def test_an_option_that_cannot_be_stops_the_start(gateway: Gateway, option: str, words: str) -> None:
    command = [word.replace(str(gateway.port), str(free_port())) for word in gateway.command()]
    done = subprocess.run(
        [*command, "--set", option],
        env=gateway.environ(),
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode != 0
    assert words in " ".join((done.stdout + done.stderr).split())
