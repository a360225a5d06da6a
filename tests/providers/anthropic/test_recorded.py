"""Answers that were passed on, recorded and read again."""

from pathlib import Path
from typing import Any

import pytest

from addons.app.job_list import TEND_EVERY_S
from addons.recordings.kept_files import ENDING
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

FAULTS = ("", "error_mid", "error_started", "hang_up", "no_stop", "unnamed", "crlf", "413")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_what_was_passed_on_is_read_alike(tmp_path: Path, stream: bool) -> None:
    folder = tmp_path / "kept"
    with Sites(("anthropic",)) as sites:
        gateway = Served(tmp_path, sites, record={"enabled": True, "folder": str(folder)}, **NO_REST)
        with gateway, gateway.http() as http:
            for fault in FAULTS:
                words = f"Hi\n!sandbox fault={fault} text='one two three four five six'"
                body: dict[str, Any] = {"model": "claude-sandbox", "max_tokens": 64, "stream": stream}
                http.post("/v1/messages", json={**body, "messages": [{"role": "user", "content": words}]})
            gateway.pass_s(TEND_EVERY_S)
            files = sorted(map(str, folder.glob(f"*{ENDING}")))
            assert len(files) >= len(FAULTS)
            result = gateway.command("replay", "--check", *files)
        assert result.exit_code == 0, result.output
        assert result.output.count("is read alike") == len(files)
