"""A Responses request that is refused: the API's words, and its codes."""

from collections.abc import Sequence
from typing import Any


class Refused(Exception):
    """The text is the API's message."""

    def __init__(self, message: str, code: str | None = None, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.param, self.status = code, param, status

    def body(self) -> dict[str, Any]:
        error = {"message": str(self), "type": "invalid_request_error", "param": self.param, "code": self.code}
        return {"error": error}


def unknown(where: str) -> Refused:
    return Refused(f"Unknown parameter: '{where}'.", "unknown_parameter", where)


def missing(where: str) -> Refused:
    return Refused(f"Missing required parameter: '{where}'.", "missing_required_parameter", where)


def unsupported(value: object, known: Sequence[str], where: str) -> Refused:
    listed = ", ".join(f"'{one}'" for one in known[:-1]) + (" and " if len(known) > 1 else "") + f"'{known[-1]}'"
    return Refused(f"Invalid value: '{value}'. Supported values are: {listed}.", "invalid_value", where)
