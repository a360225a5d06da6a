"""Fields that OpenAI declares, in a provider's answer: passed on in the declared form, or not at all.

Fields nobody declares pass as they are. A declared name with a value of another type is worse than none: typed clients
(Rust, Go, strict Python) refuse the whole answer for it. Values alone are not judged (`service_tier: on_demand`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

MISSING: Final = object()


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else MISSING


def _object(value: Any) -> Any:
    return value if value is None or isinstance(value, dict) else MISSING


def _objects(value: Any) -> Any:
    """A list of objects; whatever else stands in it is left out."""
    if not isinstance(value, list):
        return value if value is None else MISSING
    return value if all(isinstance(entry, dict) for entry in value) else [e for e in value if isinstance(e, dict)]


def _logprobs(value: Any) -> Any:
    """Several APIs leave `top_logprobs` out of an entry; OpenAI's is a list, empty if need be."""
    if not isinstance(value, dict) or not isinstance(content := value.get("content"), list):
        return _object(value)
    if not all(isinstance(entry, dict) for entry in content):
        return MISSING
    if all("top_logprobs" in entry for entry in content):
        return value
    return {**value, "content": [{"top_logprobs": [], **entry} for entry in content]}


_FORMS: Final[Mapping[str, Mapping[str, Callable[[Any], Any]]]] = {
    "chunk": {"system_fingerprint": _text, "service_tier": _text},
    "choice": {"logprobs": _logprobs},
    "delta": {"refusal": _text, "annotations": _objects, "audio": _object, "function_call": _object},
}


def declared(scope: str, name: str, value: Any) -> Any:
    """The value as it may be passed on under this name; MISSING when it may not."""
    form = _FORMS[scope].get(name)
    return value if form is None else form(value)
