"""The peers, as their own documentation starts them; benchmarks/run.sh installs them into benchmarks/.peers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.processes import Unavailable, free_port, process
from benchmarks.compare.way import PEERS, Upstreams, Way

_KEY = "sk-bench-0123456789abcdef"


@contextmanager
def litellm(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """LiteLLM's proxy with one worker. Raises Unavailable."""
    tool = PEERS / "litellm" / "bin" / "litellm"
    if not tool.exists():
        raise Unavailable("LiteLLM is not installed (benchmarks/run.sh does it)")
    port = free_port()
    (folder / "config.yaml").write_text(
        f"""model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: 'http://127.0.0.1:{upstreams.plain.port}/v1', api_key: x}}
general_settings: {{master_key: {_KEY}}}
litellm_settings: {{drop_params: true}}
"""
    )
    command = [str(tool), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    environ = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    with process([*command, "--num_workers", "1"], port, folder / "log", **environ) as (pid, took):
        headers = {"authorization": f"Bearer {_KEY}"}
        yield Way(port, upstreams.plain, (pid,), headers=headers, started_in_s=took)


@contextmanager
def portkey(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """Portkey's gateway, which is told its provider with each request. Raises Unavailable."""
    script = PEERS / "node" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not script.exists():
        raise Unavailable("Portkey's gateway is not installed (benchmarks/run.sh does it)")
    port = free_port()
    headers = {
        "authorization": f"Bearer {_KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstreams.plain.port}/v1",
    }
    mended = Path(__file__).with_name("mutable_headers.mjs")
    command = ["node", "--import", str(mended), str(script), "--headless", f"--port={port}"]
    with process(command, port, folder / "log", TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost") as (pid, took):
        yield Way(port, upstreams.plain, (pid,), headers=headers, started_in_s=took)


@contextmanager
def claude_code_router(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """claude-code-router, which takes Anthropic's form of a request alone. Raises Unavailable."""
    tool = PEERS / "node" / "node_modules" / ".bin" / "ccr"
    if not tool.exists():
        raise Unavailable("claude-code-router is not installed (benchmarks/run.sh does it)")
    port = free_port()
    provider = {
        "name": "bench",
        "api_base_url": f"http://127.0.0.1:{upstreams.plain.port}/v1/chat/completions",
        "api_key": "x",
        "models": ["bench"],
    }
    config = {"PORT": port, "LOG": False, "APIKEY": _KEY, "Providers": [provider], "Router": {"default": "bench,bench"}}
    home = folder / ".claude-code-router"
    home.mkdir()
    (home / "config.json").write_text(json.dumps(config))
    with process([str(tool), "start"], port, folder / "log", HOME=str(folder)) as (pid, took):
        headers = {"x-api-key": _KEY, "anthropic-version": "2023-06-01"}
        yield Way(port, upstreams.plain, (pid,), "bench,bench", "/v1/messages", headers, "anthropic", started_in_s=took)
