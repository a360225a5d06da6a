"""Compatibility suites of others, run as they are against the gateway before the sandbox's sites (.ci/suites).

They are no part of what `./run_proxy.sh test` installs; without them their tests are skipped and say so.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.processes import KEY, NO_REST, ROOT, Gateway, SandboxThread

SUITES = ROOT / "tests" / "suites"
CANARY = SUITES / "node_modules" / "compatcanary" / "src" / "cli.js"
CHECK = ROOT / ".venv-suites" / "bin" / "trustedrouter-provider-check"
NODE = shutil.which("node")
TIMED = "stream.incremental-delivery"
"""What it judges by how many reads it made of an answer of one word: on a busy machine it may come to read when all of
that is there. An answer that the gateway holds back is so every time."""
TIMED_TRIES = 3
MODELS = {
    "zai": "GLM-4.6",
    "qwen": "qwen-max",
    "k2think": "MBZUAI-IFM/K2-Think",
    "longcat": "LongCat-Flash",
    "official": "sandbox-large",
    "anthropic": "claude-sandbox",
}
"""One of each type of provider."""
each_provider = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture(scope="module")
def gateway(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("suites")
    folder.chmod(0o700)
    with Gateway(folder, sites.description(), **NO_REST) as gateway:
        yield gateway


def run(command: list[str], **environ: str) -> dict[str, Any]:
    """The JSON report of a suite. Fails with what it said when it has none, or ends otherwise than well."""
    done = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.skipif(NODE is None or not CANARY.is_file(), reason="CompatCanary is not installed: .ci/suites")
@each_provider
def test_compatcanary_gives_all_its_points(gateway: Gateway, model: str) -> None:
    arguments = ["scan", "--base-url", f"{gateway.url}/v1", "--model", model, "--profile", "modern", "--format", "json"]
    report = run([str(NODE), str(CANARY), *arguments, "--api-key-env", "SUITE_KEY"], SUITE_KEY=KEY)
    found = {probe["id"]: probe["status"] for probe in report["results"]}
    chat = ["chat.basic", "chat.streaming", "chat.tool_call", "chat.structured_output"]
    assert found == dict.fromkeys(["models.list", *chat, "responses.basic", "responses.streaming"], "pass")
    assert report["score"] == 100


@pytest.mark.skipif(not CHECK.is_file(), reason="trustedrouter-provider-check is not installed: .ci/suites")
@each_provider
def test_trustedrouter_provider_check_passes_to_tier_five(gateway: Gateway, model: str) -> None:
    """All but the marketplace's own catalogue, which nobody declares here."""
    arguments = ["--base-url", f"{gateway.url}/v1", "--model", model, "--tier", "5", "--json", "-"]
    for _ in range(TIMED_TRIES):
        report = run([str(CHECK), *arguments], TR_PROVIDER_API_KEY=KEY)
        found = {check["id"]: check["status"] for check in report["checks"]}
        if found.get(TIMED) != "warn":
            break
    assert {name: status for name, status in found.items() if status != "pass"} == {"catalog.declared-v2": "skip"}
    assert {"tools.parallel-deltas", "tools.round-trip", "structured.json-object", "structured.json-schema"} <= set(
        found
    )
    assert report["summary"]["conformance_gate"] is True
