"""The sandbox as a process of its own that serves recordings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from addons.app.job_list import TEND_EVERY_S
from addons.recordings.kept_files import ENDING
from addons.recordings.recording import Recording
from providers.sandbox.run import SITES
from tests.recordings.record_plan import PLANS, asked
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


def test_the_sandbox_serves_recordings_in_the_place_of_their_sites(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with (
        Sites() as sites,
        Served(tmp_path, sites, record={"enabled": True, "folder": str(folder)}, **NO_REST) as gateway,
    ):
        for site in PLANS:
            gateway.post(next(asked(site)))
        gateway.pass_s(TEND_EVERY_S)
    kept = [Recording.load(path.read_bytes()) for path in sorted(folder.glob(f"*{ENDING}"))]
    chat = next(one for one in kept if one.provider == "openai_compatible" and one.outcome == "ok")
    command = [sys.executable, "-m", "addons.cli", "--config", str(gateway.config_file)]
    command += ["sandbox", "--replay", str(folder), "--speed", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout
        try:
            told = json.loads(process.stdout.readline())
            answer = httpx.post(told["base_urls"]["openai"] + "/v1/chat/completions", content=chat.request.body)
        finally:
            process.terminate()
    assert set(told["sessions"]) == set(SITES)
    assert chat.answer
    assert answer.content == chat.answer.body
    assert process.returncode == 0
