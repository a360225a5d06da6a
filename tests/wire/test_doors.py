"""No door opens by itself: options, reloads, the end of the terminal. Through real processes."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from addons.app.reload import UNCHANGED
from addons.cli.main import main
from providers.sandbox.script import greeting
from tests.support.mitmweb import Web, mitmweb_api
from tests.support.ports import free_port
from tests.support.processes import KEY, Gateway, SandboxThread
from tests.support.terminal import TerminalGateway
from tests.support.waiting import until

MODEL = "sandbox-large"
STRONG = "sk-strong-0123456789abcdef0123456789abcdef"
OPEN = "0.0.0.0"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def body(prompt: str = "Hi", *, stream: bool = True) -> dict[str, Any]:
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def asked(gateway: Gateway, prompt: str = "Hi", *, stream: bool = True, key: str = KEY) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    fields = body(prompt, stream=stream)
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=headers, timeout=40)


def health(gateway: Gateway, key: str = KEY) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(
        f"{gateway.url}/healthz", headers={"authorization": f"Bearer {key}"}, timeout=60
    ).json()
    return found


def models_status(gateway: Gateway, key: str | None = KEY) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.get(f"{gateway.url}/v1/models", headers=headers, timeout=60).status_code


def started(gateway: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Starts a gateway that is to end by itself."""
    return subprocess.run(
        [*gateway.command(), *arguments],
        env=gateway.environ(),
        cwd=gateway.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )


class OpenGateway(Gateway):
    """Listens on all addresses by its command line, while its configuration says loopback."""

    def command(self) -> list[str]:
        command = super().command()
        command[command.index("--listen-host") + 1] = OPEN
        return command

    def environ(self) -> dict[str, str]:
        return super().environ() | {"AUTH_TOKEN": STRONG}


class FileKeys(Gateway):
    """Its client keys are those of its file alone."""

    def __init__(self, folder: Path, sites: dict[str, Any], **sections: Any) -> None:
        super().__init__(folder, sites, auth={"tokens": [KEY]}, **sections)

    def environ(self) -> dict[str, str]:
        return {name: value for name, value in super().environ().items() if name != "AUTH_TOKEN"}


# -- mitmproxy's own options ------------------------------------------------------------------------------------------
def test_options_that_open_something_keep_it_from_starting(folder: Path, sites: SandboxThread) -> None:
    gateway = Gateway(folder, sites.description())
    options = ("--set", "ssl_insecure=true", "--set", "validate_inbound_headers=false", "--set", "map_remote=|a|b")
    done = started(gateway, *options, "--mode", f"regular@{free_port()}")
    assert done.returncode != 0
    told = done.stdout + done.stderr
    for name in ("ssl_insecure", "validate_inbound_headers", "map_remote", "mode"):
        assert f"mitmproxy's option {name} (" in told
    assert "Traceback" not in told


def test_an_option_of_ours_that_cannot_be_leaves_no_bare_proxy(folder: Path, sites: SandboxThread) -> None:
    """mitmproxy says nothing of it and goes on without the gateway: open to all, and silent."""
    gateway = Gateway(folder, sites.description())
    done = started(gateway, "--set", "gateway_config=another.yaml")
    assert done.returncode != 0
    assert "Glassgate cannot start" in done.stdout + done.stderr
    assert "multiple values for gateway_config" in done.stdout + done.stderr


def test_options_of_mitmproxys_own_file_are_judged_too(folder: Path, sites: SandboxThread) -> None:
    gateway = Gateway(folder, sites.description())
    (folder / "config.yml").write_text("ignore_hosts: ['.*']\n")  # mitmproxy's, in its confdir
    done = started(gateway)
    assert done.returncode != 0
    assert "mitmproxy's option ignore_hosts (" in done.stdout + done.stderr


def test_an_option_worth_knowing_is_said(folder: Path, sites: SandboxThread) -> None:
    with Gateway(folder, sites.description(), arguments=("--set", "block_global=false")) as gateway:
        assert "mitmproxy's option block_global (False): the gateway answers to addresses" in gateway.log


def test_an_option_changed_while_it_runs_is_put_back(folder: Path, sites: SandboxThread) -> None:
    with Web(folder, sites.description()) as web, mitmweb_api(web) as api:
        (folder / "other.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()")
        before = api.get("/options").json()
        other = f"regular@{web.port + 1}"
        open_mode = f"reverse:http://127.0.0.1:1@{OPEN}:{web.port}"
        for name, value in (
            ("ssl_insecure", True),
            ("validate_inbound_headers", False),
            ("mode", [*before["mode"]["value"], other]),
            ("mode", [open_mode]),  # the key is too short for that
            ("keep_host_header", False),
            ("connection_strategy", "eager"),
            ("map_remote", ["|x|y"]),
            ("upstream_auth", "a:b"),
            ("scripts", [*before["scripts"]["value"], str(folder / "other.py")]),
        ):
            assert api.put("/options", json={name: value}).status_code == 400, name
        assert api.put("/options", json={"showhost": True}).status_code == 200
        after = api.get("/options").json()
        assert {name: o["value"] for name, o in after.items()} | {"showhost": False} == {
            name: o["value"] for name, o in before.items()
        }
        assert web.log.count("was put back: mitmproxy's option") == 8
        assert "was put back: listen.host: beyond loopback every key needs" in web.log
        assert not (folder / "ran").exists()
        until(lambda: models_status(web) == 200)  # its listener was taken away and put back
        assert asked(web).text.rstrip().endswith("[DONE]")


# -- a reload judges like a start -------------------------------------------------------------------------------------
def test_a_listener_that_seems_to_change_opens_nothing(sites: SandboxThread, folder: Path) -> None:
    """The file says all addresses at the start, then loopback and no keys: the listener stays where it is."""
    gateway = OpenGateway(folder, sites.description(), hurried=True)
    gateway.config["listen"]["host"] = OPEN
    gateway.write_config()
    with gateway:
        gateway.config["listen"]["host"] = "127.0.0.1"
        gateway.config["auth"] = {"skip": True}
        gateway.write_config()
        until(lambda: health(gateway, STRONG)["status"] == "degraded")
        assert "auth.skip: works only when" in health(gateway, STRONG)["problem"]
        assert "auth.skip: works only when" in gateway.log
        assert models_status(gateway, None) == 401
        assert models_status(gateway, STRONG) == 200


def test_files_that_hold_keys_are_not_open_beyond_loopback(sites: SandboxThread, folder: Path) -> None:
    (folder / ".env").write_text("X=1\n")
    (folder / ".env").chmod(0o644)
    gateway = OpenGateway(folder, sites.description())
    done = started(gateway)
    assert done.returncode != 0
    assert (
        f"{folder}/.env holds keys and can be read by others (mode 0644); run: chmod 600" in done.stdout + done.stderr
    )
    gateway.command = super(OpenGateway, gateway).command  # type: ignore[method-assign]
    with gateway:
        told = [line for line in gateway.log.splitlines() if "can be read by others" in line]
        assert len(told) == 1, "on loopback it is said"


# -- glassgate reload -------------------------------------------------------------------------------------------------
def reload(gateway: Gateway) -> Result:
    return CliRunner().invoke(main, ["--config", str(gateway.config_file), "reload"], env=gateway.environ())


@pytest.mark.parametrize("ignores_hangups", [False, True])
def test_reload_is_answered(sites: SandboxThread, folder: Path, ignores_hangups: bool) -> None:
    gateway = FileKeys(folder, sites.description(), hurried=True)
    if ignores_hangups:
        command = gateway.command()
        gateway.command = lambda: ["nohup", *command]  # type: ignore[method-assign]
    with gateway:
        done = reload(gateway)
        assert (done.exit_code, done.stdout) == (0, f"{UNCHANGED}\n")
        gateway.config["auth"] = {"tokens": [STRONG]}
        gateway.config["models"] = {"aliases": {"fast": MODEL}}
        gateway.write_config()
        assert reload(gateway).exit_code == 0
        assert models_status(gateway, STRONG) == 200
        assert models_status(gateway, KEY) == 401
        gateway.config["lisen"] = {}
        gateway.write_config()
        refused = reload(gateway)
        assert refused.exit_code == 1
        assert "the one from before stays in force" in refused.stderr
        assert "lisen: is not a key there; did you mean 'listen'?" in refused.stderr
        assert not [name for name in os.listdir(gateway.vault_path.parent) if "reload" in name]


# -- the end of the terminal ------------------------------------------------------------------------------------------
def begun(pool: ThreadPoolExecutor, gateway: Gateway, sites: SandboxThread, *prompts: tuple[str, bool]) -> list[Any]:
    """Requests that are under way at their site."""
    before = len(sites.site("openai").requests)
    futures = [pool.submit(asked, gateway, prompt, stream=stream) for prompt, stream in prompts]
    sites.wait_for("openai", lambda: len(sites.site("openai").requests) >= before + len(prompts))
    return futures


def ended(gateway: Gateway) -> int:
    assert gateway.process
    return gateway.process.wait(60)


@pytest.mark.parametrize("tool", ["mitmdump", "mitmproxy"])
def test_a_gateway_ends_with_its_terminal(
    sites: SandboxThread, folder: Path, pool: ThreadPoolExecutor, tool: str
) -> None:
    gateway = TerminalGateway(folder, sites.description())
    gateway.tool = tool
    with gateway:
        (future,) = begun(pool, gateway, sites, ("Hi\n!sandbox count=30 pace_ms=50", True))
        gateway.hang_up()
        gateway.again()  # the shell says so too: no second signal that ends at once
        assert future.result(60).text.rstrip().endswith("[DONE]")
        ended(gateway)


def test_the_console_still_hears_what_is_typed(sites: SandboxThread, folder: Path) -> None:
    gateway = TerminalGateway(folder, sites.description())
    gateway.tool = "mitmproxy"
    with gateway:
        gateway.resize(30, 100)
        assert asked(gateway).status_code == 200
        gateway.type("?")
        until(lambda: "Global Keybindings" in gateway.screen or "Help" in gateway.screen)
        gateway.type("q")
        gateway.type("q")
        until(lambda: "Quit" in gateway.screen)
        gateway.type("y")
        assert ended(gateway) == 0


def test_a_hangup_in_a_terminal_is_the_end_and_no_reload(sites: SandboxThread, folder: Path) -> None:
    with TerminalGateway(folder, sites.description()) as gateway:
        gateway.again()
        assert ended(gateway) == 0
        assert "the terminal has gone" in gateway.screen


def test_an_ignored_hangup_stays_ignored(sites: SandboxThread, folder: Path) -> None:
    gateway = TerminalGateway(folder, sites.description())
    gateway.before = ("nohup",)
    with gateway:
        gateway.hang_up()
        gateway.again()
        assert asked(gateway).text.rstrip().endswith("[DONE]")
        assert gateway.process
        assert gateway.process.poll() is None


def test_a_service_looks_at_its_configuration(sites: SandboxThread, folder: Path) -> None:
    with Gateway(folder, sites.description(), hurried=True) as gateway:
        assert gateway.process
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: UNCHANGED in gateway.log)
        assert greeting("Hi") in asked(gateway, stream=False).json()["choices"][0]["message"]["content"]
