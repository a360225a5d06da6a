"""The OpenAI SDK for Node.js against the gateway. Skipped where Node.js or the package is missing."""

import json
import shutil
import subprocess

import pytest

from providers.sandbox.script import greeting
from tests.support.processes import KEY, ROOT, Gateway

NODE = shutil.which("node")
INSTALLED = (ROOT / "tests" / "node" / "node_modules" / "openai").is_dir()


@pytest.mark.skipif(NODE is None or not INSTALLED, reason="Node.js with the openai package is not installed")
@pytest.mark.parametrize("model", ["sandbox-large", "GLM-4.6"])
def test_node_sdk_streams_gathers_and_sees_errors(gateway: Gateway, model: str) -> None:
    command = [str(NODE), "sdk.mjs", f"{gateway.url}/v1", KEY, model]
    done = subprocess.run(command, cwd=ROOT / "tests" / "node", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["whole"] == seen["streamed"] == seen["final"] == greeting("Hi")
    assert seen["usage"] in (33, 46)
    assert model in seen["models"]
    assert seen["broken"] == "APIError"
    assert seen["unknown"] == [404, "model_not_found", True]
