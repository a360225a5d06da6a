"""Every secret the sandbox hands out, to be looked for where none may stand."""

from typing import Any

from tests.support.processes import SandboxThread
from tests.support.sites import Sites


def canaries(sites: SandboxThread | Sites) -> list[str]:
    """Every secret of every account, as the sandbox hands them out."""
    return [value for session in sites.description()["sessions"].values() for value in strings(session)]


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if len(value) >= 12 else []
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in found for text in strings(one)]
