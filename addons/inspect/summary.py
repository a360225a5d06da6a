"""The summary of a flow, in one line, for the flow list. Pure.

Each line begins with the same three: a mark, the beginning of the request's id, the outcome. So they stand below each
other, and the parts of one request are known by the same six letters.
"""

from typing import Final

from addons.inspect.annotation import Annotation
from addons.inspect.money import shown_cost
from addons.words.shown import shown

_MARKS: Final = {":gear:": "⚙", ":arrow_right_hook:": "↪", ":warning:": "⚠"}
_OF_OUTCOME: Final = {"ok": "✓", "running": "▷", "client_left": "←", "replayed": "↻"}
_ID_LETTERS: Final = len("req_24a1d4")
SHORTEST_MS: Final = 50
"""An answer that took no longer came in one piece: it has no speed."""
_OUTCOME_WIDTH: Final = len("client_left")


def summary_line(annotation: Annotation) -> str:
    """The flow's state at a glance, on one line, whatever the client calls its model."""
    return shown(" ".join([_mark(annotation), *_id_and_outcome(annotation), *_parts(annotation)]))


def short_id(request_id: str) -> str:
    """The part of a request's id that stands in the list."""
    return request_id[:_ID_LETTERS]


def marker(annotation: Annotation) -> str:
    """mitmproxy's name of the marker that fits, or an empty string."""
    match annotation.part:
        case "step":
            return ":gear:"
        case "attempt" if annotation.followed:
            return ":arrow_right_hook:"
        case _:
            return "" if annotation.outcome in _OF_OUTCOME else ":warning:"


def _mark(annotation: Annotation) -> str:
    """The marker itself: mitmweb shows markers in a column it has no room for beside the summary."""
    return _MARKS[found] if (found := marker(annotation)) else _OF_OUTCOME[annotation.outcome]


def _id_and_outcome(annotation: Annotation) -> tuple[str, str]:
    """The short id and the outcome, padded. A step of the gateway's own has no request."""
    outcome = "preparing" if annotation.part == "step" else annotation.outcome
    return short_id(annotation.request_id).ljust(_ID_LETTERS), outcome.ljust(_OUTCOME_WIDTH)


def _parts(annotation: Annotation) -> list[str]:
    match annotation.part:
        case "step":
            return [
                f"{annotation.provider}/{annotation.account}: {annotation.call}",
                *_failed(annotation),
                *_took(annotation.total_ms),
            ]
        case "local":
            return [
                annotation.call,
                *(
                    [annotation.model, "→ cache" if annotation.cache == "hit" else "→ nobody"]
                    if annotation.model
                    else []
                ),
                *_failed(annotation),
            ]
        case _:
            figures = [*_figures(annotation), *_doing(annotation), *_session(annotation)]
            return [*_whom(annotation), *figures, *_failed(annotation)]


def _whom(annotation: Annotation) -> list[str]:
    account = ["→", f"{annotation.provider}/{annotation.account}"] if annotation.provider else []
    return [annotation.model or annotation.call, *account]


def _failed(annotation: Annotation) -> list[str]:
    return [annotation.error] if annotation.error else []


def _doing(annotation: Annotation) -> list[str]:
    return [annotation.doing] if annotation.doing else []


def _session(annotation: Annotation) -> list[str]:
    """The client's session, and that this is no first try of it."""
    if not annotation.session:
        return [f"retry {annotation.retry}"] if annotation.retry else []
    return [f"session {annotation.session}", *([f"retry {annotation.retry}"] if annotation.retry else [])]


def _took(ms: int | None) -> list[str]:
    return [f"{ms} ms"] if ms is not None else []


def _figures(annotation: Annotation) -> list[str]:
    words = []
    if annotation.attempt > 1 or annotation.outcome == "failed":
        # So many there may be for a model; after them come those of its fallbacks.
        words.append(
            f"attempt {annotation.attempt}"
            + (f" of {annotation.most}" if annotation.attempt <= annotation.most else "")
        )
    if annotation.took_ms is not None:
        words.append(f"after {annotation.took_ms} ms")
    if annotation.first_token_ms is not None and annotation.stream:
        words.append(f"first {annotation.first_token_ms} ms")
    if annotation.uploaded_bytes:
        words.append(f"upload {annotation.uploaded_bytes / 1e6:.1f} MB")
    if annotation.held_ms:
        words.append(f"(held {annotation.held_ms / 1000:.1f} s by you)")
    if not annotation.running:
        words += _speed(annotation)
        words += [cost] if (cost := shown_cost(annotation.cost)) else []
    return words


def _speed(annotation: Annotation) -> list[str]:
    """The speed of the answer. A whole one comes at once: its time is all there is to say."""
    if not annotation.completion_tokens or annotation.total_ms is None or annotation.first_token_ms is None:
        return []
    if not annotation.stream:
        return [f"{annotation.total_ms} ms {annotation.completion_tokens} tokens"]
    speaking_ms = annotation.total_ms - annotation.first_token_ms
    if speaking_ms < SHORTEST_MS:
        return [f"{annotation.completion_tokens} tokens"]
    return [f"{annotation.completion_tokens * 1000 / speaking_ms:.0f} tok/s"]
