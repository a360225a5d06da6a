"""langchain-tests: ChatModelIntegrationTests as they are, for ChatOpenAI (chat completions).

    python langchain_standard.py BASE_URL MODEL…        the key stands in SUITE_KEY

One JSON line a model, as of report.py; each in a process of its own, since ChatOpenAI keeps connections.

Their pictures and documents, which they fetch from the Internet, are small ones made here.
"""

import base64
import json
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests, chat_models
from report import BASE_URL, KEY

SEES = ("GLM-4.6V", "qwen3.6-plus")
"""Models that are shown pictures; the others refuse them, which is right."""
READS = ("GLM-4.6", "qwen-max", "qwen3.6-plus")
"""Models that are given documents."""
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
MODEL = sys.argv[2]


def _get(url: str, **_):
    return SimpleNamespace(content=_PDF if url.endswith(".pdf") else _PNG)


class TestGateway(ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _no_internet(self, monkeypatch):
        monkeypatch.setattr(chat_models, "httpx", SimpleNamespace(get=_get))

    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        common = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 0, "timeout": 60, "stream_usage": True}
        return {"model": MODEL, **common}

    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_image_inputs(self):
        return MODEL in SEES

    @property
    def supports_image_tool_message(self):
        return MODEL in SEES

    @property
    def supports_pdf_inputs(self):
        return MODEL in READS

    @property
    def supports_pdf_tool_message(self):
        return MODEL in READS

    @property
    def model_override_value(self):
        return "MBZUAI-IFM/K2-Think"


class Told:
    """A plugin of pytest: counts what came of the tests, and keeps the names of those that failed."""

    def __init__(self):
        self.counts = Counter()
        self.failed = []
        self.skipped = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1
        if report.outcome == "failed":
            self.failed.append(f"{report.nodeid.rpartition('::')[2]}: {report.longrepr.reprcrash.message[:200]}")
        if report.outcome == "skipped":
            self.skipped.append(report.longrepr[2].removeprefix("Skipped: "))


def one():
    # One event loop: what ChatOpenAI keeps belongs to the loop that made it.
    loops = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_test_loop_scope=session"]
    plain = ["-q", "--noconftest", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "/", "--tb=short"]
    told = Told()
    code = pytest.main([*plain, *loops, __file__], plugins=[told])
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(told.counts.items()))
    why = "; ".join(told.failed or told.skipped)
    line = {"model": MODEL, "task": "standard tests", "mode": "all", "passed": code == 0}
    print(json.dumps({**line, "detail": f"{counts}: {why}"[:900]}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one()
    else:
        for model in sys.argv[2:]:
            subprocess.run([sys.executable, __file__, BASE_URL, model], check=False)
