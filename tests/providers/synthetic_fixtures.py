"""Synthetic answers of sites that no recording is public of: made from descriptions of their protocols.

`tests/fixtures/<site>/expected.json` says what each file holds; what it does not name is not there.
"""

import json
from pathlib import Path
from typing import Any

from providers.contract.events import Citation, Event, Failure, Finish, Usage
from providers.contract.operation import Decoder
from tests.support.decoding import reasoning_of, text_of

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOTHING: dict[str, Any] = {
    "reasoning": "",
    "text": "",
    "finish": None,
    "failure": None,
    "usage": None,
    "citations": [],
    "unknown": {},
}


def names(site: str) -> list[str]:
    found: dict[str, Any] = json.loads((FIXTURES / site / "expected.json").read_text())
    return sorted(found)


def body(site: str, name: str) -> bytes:
    return (FIXTURES / site / name).read_bytes()


def expected(site: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / site / "expected.json").read_text())[name]
    return NOTHING | found


def told(events: list[Event], decoder: Decoder) -> dict[str, Any]:
    """Everything the events say, in the form of expected.json."""
    last = events[-1]
    usages = [event for event in events if isinstance(event, Usage)]
    return {
        "reasoning": reasoning_of(events),
        "text": text_of(events),
        "finish": last.reason if isinstance(last, Finish) else None,
        "failure": last.error.kind.value if isinstance(last, Failure) else None,
        "usage": [usages[-1].prompt_tokens, usages[-1].completion_tokens, usages[-1].total_tokens] if usages else None,
        "citations": [event.url for event in events if isinstance(event, Citation)],
        "unknown": dict(getattr(decoder, "unknown", {})),
    }
