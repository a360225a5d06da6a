"""What files of deploy/ name is there: commands and their options, paths, ports, endpoints, settings."""

import json
import plistlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from addons.config.loader import load_config
from addons.words.commands import LOCAL_FILE
from tests.deploy.test_files import DEPLOY, Unit
from tests.support.command_lines import of_glassgate, understood

ROOT = DEPLOY.parent
PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["glassgate"]
PLIST = plistlib.loads((DEPLOY / "launchd/com.glassgate.gateway.plist").read_bytes())
NGINX = (DEPLOY / "proxy/nginx.conf").read_text(encoding="utf-8")
CADDY = (DEPLOY / "proxy/Caddyfile").read_text(encoding="utf-8")


def file_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name / "config.yaml").read_text(encoding="utf-8"))
    return found


def test_every_file_of_deploy_that_a_page_names_is_there() -> None:
    for page in (*ROOT.glob("docs/*.md"), ROOT / "README.md", *DEPLOY.rglob("*.y*ml"), DEPLOY / "Dockerfile"):
        for name in re.findall(r"\bdeploy/[\w./-]*\w", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists() or name == "deploy/glassgate.env", (page.name, name)


# -- systemd ----------------------------------------------------------------------------------------------------------
def test_the_unit_starts_what_the_steps_before_it_have_made() -> None:
    service = Unit()["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert understood(words) == "serve"
    assert program == "/opt/glassgate/bin/glassgate"
    assert "python3 -m venv /opt/glassgate\n" in PAGE
    config = words[words.index("--config") + 1]
    assert f"install -m 0644 deploy/systemd/config.yaml {config}\n" in PAGE
    key = service["LoadCredential"].partition(":")[2]
    assert f"keygen > {key})" in PAGE
    assert f"--home-dir {service['WorkingDirectory']} " in PAGE
    assert file_of("systemd")["vault"]["path"].startswith(f"{service['WorkingDirectory']}/")
    assert re.search(rf"useradd .* {service['User']}\n", PAGE)


def test_commands_beside_the_service_have_its_surroundings() -> None:
    """What `systemd-run` is given is what the unit has, or keys would go into another vault."""
    service = Unit()["Service"]
    line = re.search(r"^systemd-run (?:.*\\\n)*.*", PAGE, re.MULTILINE)
    assert line is not None
    words = shlex.split(line[0].replace("\\\n", " "))
    given = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "-p")
    assert given == {name: service[name] for name in given}
    assert {"LoadCredential", "StateDirectory", "UMask"} <= set(given)
    variables = {words[at + 1] for at, word in enumerate(words) if word == "-E"}
    assert variables <= set(service["Environment"].split())
    assert f"--uid={service['User']}" in words
    (called,) = of_glassgate(line[0])
    assert understood(called[1:]) == "keys add"


# -- launchd ----------------------------------------------------------------------------------------------------------
def test_the_plist_starts_the_script_of_a_checkout() -> None:
    program, *options = PLIST["ProgramArguments"]
    house = PLIST["WorkingDirectory"]
    assert program.removeprefix(f"{house}/") == "run_proxy.sh"
    assert (ROOT / "run_proxy.sh").is_file()
    assert options == ["--config", f"{house}/{LOCAL_FILE}"], "which `setup` makes"
    name = f"{PLIST['Label']}.plist"
    assert (DEPLOY / "launchd" / name).is_file()
    assert f"~/Library/LaunchAgents/{name}" in PAGE
    assert f"gui/$(id -u)/{PLIST['Label']}" in PAGE


# -- the image --------------------------------------------------------------------------------------------------------
def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def test_the_image_copies_what_there_is_and_a_build_is_sent() -> None:
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = [rule[1:].rstrip("/*") for rule in rules if rule.startswith("!")]
    for line in instructions("COPY"):
        if not line.startswith("--from="):
            for name in line.split()[:-1]:
                assert (ROOT / name).exists(), name
                assert any(name == one or name.startswith(f"{one}/") for one in sent), name


def test_the_image_starts_with_the_configuration_that_is_put_there() -> None:
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")[-1:]
    assert json.loads(entry) == ["glassgate"]
    assert understood(json.loads(command)) == "serve"
    environ = dict(re.findall(r"(\w+)=(\S+)", " ".join(instructions("ENV"))))
    place = environ["GLASSGATE_CONFIG"]
    assert f"deploy/docker/config.yaml {place}" in instructions("COPY")
    mounts = dict(mount.split(":")[:2] for mount in COMPOSE["volumes"])
    assert mounts["./docker/config.yaml"] == place
    assert mounts["state"] == instructions("VOLUME")[0] == environ["HOME"]
    assert file_of("docker")["vault"]["path"].startswith(f"{environ['HOME']}/")


def test_the_ports_of_the_image_are_one() -> None:
    port = str(file_of("docker")["listen"]["port"])
    assert instructions("EXPOSE") == [port]
    assert [one.rpartition(":")[2] for one in COMPOSE["ports"]] == [port]
    (asked,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", DOCKERFILE)
    assert asked == (port, "/healthz/live")


def test_variables_of_compose_are_ones_that_the_configuration_reads() -> None:
    text = (DEPLOY / "docker/config.yaml").read_text(encoding="utf-8")
    assert all(f"${{{name}" in text for name in COMPOSE["environment"])
    (env,) = COMPOSE["env_file"]
    assert f"> deploy/{env['path']}" in PAGE


def test_commands_in_the_container_are_understood() -> None:
    found = re.findall(r"(?:run --rm(?: -T)? glassgate|exec glassgate glassgate) ([^<#\n]+)", PAGE)
    assert [understood(shlex.split(line)) for line in found] == ["keys add", "sessions add", "doctor"]


# -- proxies ----------------------------------------------------------------------------------------------------------
def directives(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Of an nginx file: the blocks around, and the words of each directive."""
    around: list[str] = []
    for words, end in re.findall(r"([^;{}]*)([;{}])", re.sub(r"#.*", "", text)):
        if end == "{":
            around.append(" ".join(words.split()))
        elif end == "}":
            assert around, "a block that was never begun"
            around.pop()
        else:
            yield tuple(around), words.split()
    assert around == [], "a block that does not end"


def test_nginx_passes_on_to_the_gateway_of_its_own_comment(tmp_path: Path) -> None:
    comment = re.search(r"^# config\.yaml: (.*)$", NGINX, re.MULTILINE)
    assert comment is not None
    file = tmp_path / "config.yaml"
    file.write_text(f"{comment[1]}\nproviders: {{p: {{type: zai, accounts: [main]}}}}\n")
    listen = load_config(file, {"AUTH_TOKEN": "k" * 43}).sections.listen
    found = list(directives(NGINX))
    upstream = next(words[1] for around, words in found if around == ("upstream glassgate",) and words[0] == "server")
    assert upstream == f"{listen.host}:{listen.port}"
    passed = {words[0]: words[1:] for around, words in found if around == ("server", "location /")}
    assert passed["proxy_pass"] == ["http://glassgate"]
    assert (passed["proxy_buffering"], passed["proxy_request_buffering"]) == (["off"], ["off"])
    (name,) = next(words[1:] for around, words in found if words[0] == "server_name")
    assert name in listen.allowed_hosts
    headers = {words[1]: words[2] for _, words in found if words[0] == "proxy_set_header"}
    assert (headers["X-Forwarded-For"], headers["Host"]) == ("$remote_addr", "$host")
    assert (("server", "location /metrics"), ["return", "404"]) in found


def test_caddy_passes_on_to_the_gateway_at_once() -> None:
    depth = 0
    for line in re.sub(r"#.*", "", CADDY).splitlines():
        depth += line.count("{") - line.count("}")
        assert depth >= 0
    assert depth == 0
    listen = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["listen"]
    assert f"reverse_proxy {listen['host']}:{listen['port']} {{" in CADDY
    assert "flush_interval -1" in CADDY
    matcher = re.search(r"^\s*(@\w+) path /metrics$", CADDY, re.MULTILINE)
    assert matcher is not None
    assert f"respond {matcher[1]} 404" in CADDY


@pytest.mark.parametrize("name", ["proxy_buffering off", "flush_interval -1", "proxy_request_buffering off"])
def test_what_the_page_says_of_the_examples_stands_in_them(name: str) -> None:
    assert name in PAGE
    assert name in NGINX + CADDY
