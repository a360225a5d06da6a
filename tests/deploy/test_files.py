"""The files of deploy/ are what their programs take, and keep the promises of docs/deployment.md."""

import configparser
import os
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from addons.config.exposure import judge
from addons.config.loader import load_config
from addons.config.schema import Timeouts

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "systemd/glassgate.service"
WORST_EXPOSURE = 2.0


class Unit(configparser.RawConfigParser):
    """A unit file; of a key that stands twice the last counts, which is enough here."""

    def __init__(self) -> None:
        super().__init__(strict=False, comment_prefixes=("#",), delimiters=("=",), interpolation=None)
        self.read(UNIT, encoding="utf-8")

    def optionxform(self, optionstr: str) -> str:
        return optionstr


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_unit_is_one_and_hardened(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE), encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", found)
    assert exposure is not None, found
    assert float(exposure[1]) <= WORST_EXPOSURE


def test_services_wait_for_answers_under_way() -> None:
    drain_s = Timeouts().drain_s
    assert float(Unit()["Service"]["TimeoutStopSec"]) > drain_s
    plist = plistlib.loads((DEPLOY / "launchd/com.glassgate.gateway.plist").read_bytes())
    assert plist["ExitTimeOut"] > drain_s
    assert plist["Umask"] == 0o077
    assert plist["KeepAlive"] == {"SuccessfulExit": False}
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["glassgate"]
    assert float(service["stop_grace_period"].removesuffix("s")) > drain_s


def test_a_container_has_no_right_that_it_does_not_need() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["glassgate"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service["user"].startswith("0")
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${BASE}"}
    last = dockerfile[dockerfile.rindex("\nFROM") :]
    assert f"USER {service['user']}" in last
    assert "/healthz/live" in last


def test_nothing_private_is_sent_to_a_build() -> None:
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    assert not any(".env" in rule or ".sessions" in rule for rule in rules if rule.startswith("!"))


@pytest.mark.parametrize("name", ["docker", "systemd"])
def test_the_configurations_are_right_where_they_are_meant_for(name: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes((DEPLOY / name / "config.yaml").read_bytes())
    environ = {"CREDENTIALS_DIRECTORY": "/run/credentials/glassgate.service", "AUTH_TOKEN": "k" * 43}
    if name == "systemd":
        environ["AUTH_TOKENS_FILE"] = str(tmp_path / "keys")
        (tmp_path / "keys").write_text("k" * 43 + " # ada\n")
        (tmp_path / "keys").chmod(0o600)
    config = load_config(file, environ)
    assert judge(config, [config.sections.listen.host]) == []
    assert config.path(config.sections.vault.path) == Path("/var/lib/glassgate/vault/vault.json")
    if name == "systemd":
        assert config.sections.vault.key_file == Path("/run/credentials/glassgate.service/vault.key")
        assert Unit()["Service"]["LoadCredential"].startswith("vault.key:")


def test_the_files_of_a_checkout_are_not_made_executable_by_chance() -> None:
    assert not [file for file in DEPLOY.rglob("*") if file.is_file() and os.access(file, os.X_OK)]
