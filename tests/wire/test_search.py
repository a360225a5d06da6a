"""Words that people read are found in mitmweb's box, in its commands, and in flow files, however frames cut them."""

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from mitmproxy import http
from mitmproxy.io import FlowReader

from providers.sandbox.script import greeting
from tests.support.mitmweb import Web, asked, commanded, flows_of, open_page
from tests.support.processes import ROOT
from tests.support.waiting import until

PROMPT = "find these words"
WORDS = greeting(PROMPT)
"""What the stand-in says, a few letters a frame."""


def chosen(web: Web, *expressions: str) -> list[list[str] | None]:
    """The flows that mitmweb's page is told to show for what is typed into its search box."""

    async def typed() -> list[list[str] | None]:
        found = []
        async with open_page(web) as page:
            for expression in expressions:
                await page.write_message(
                    json.dumps({"type": "flows/updateFilter", "payload": {"name": "search", "expr": expression}})
                )
                while True:
                    told = json.loads(await page.read_message() or "")
                    if told["type"] == "flows/filterUpdate":
                        found.append(told["payload"]["matching_flow_ids"])
                        break
        return found

    return asyncio.run(asyncio.wait_for(typed(), 60))


def test_words_are_found_in_the_box_in_commands_and_in_files(web: Web, api: httpx.Client, tmp_path: Path) -> None:
    asked(web, "another one", "GLM-4.6")
    request_id = asked(web, PROMPT, "GLM-4.6")

    def chat() -> dict[str, Any]:
        return next(flow for flow in flows_of(api, request_id) if "preparing" not in flow["comment"])

    until(lambda: all(word in chat()["comment"] for word in ("→ zai/demo", "ok")))
    saved = api.get("/flows/dump").content
    ours = next(flow for flow in FlowReader(io.BytesIO(saved)).stream() if flow.id == chat()["id"])
    assert isinstance(ours, http.HTTPFlow)
    assert ours.response
    assert WORDS.encode() not in (ours.response.raw_content or b""), "the frames cut it"

    said, also_said, was_asked, nowhere = chosen(
        web, f'~b "{WORDS.upper()}"', f'~bs "{WORDS}"', f'~bq "{PROMPT}"', f'~b "{WORDS} never"'
    )
    assert said == also_said == [ours.id]
    assert was_asked is not None
    assert ours.id in was_asked
    assert nowhere == []
    kept = commanded(api, "gateway.savecase", f'~bs "{WORDS}"', "found-by-its-words")
    assert "kept as" in kept, "commands choose flows by the same filters"

    file, out = tmp_path / "flows", tmp_path / "found"
    file.write_bytes(saved)
    tool, script = Path(sys.executable).with_name("mitmdump"), ROOT / "addons" / "mitm" / "search.py"
    arguments = ["--set", f"confdir={tmp_path}", "-n", "-r", str(file), "-w", str(out), "-s", str(script)]
    done = subprocess.run([str(tool), *arguments, f'~bs "{WORDS}"'], capture_output=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [flow.id for flow in FlowReader(io.BytesIO(out.read_bytes())).stream()] == [ours.id]
