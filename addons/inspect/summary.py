"""What happened to a flow, in one line, for the flow list. Pure.

Each line begins with the same three: a mark, the beginning of the request's id, the outcome. So they stand below each
other, and the parts of one request are known by the same six letters.
"""

from typing import Final

from addons.inspect.annotation import Annotation
from addons.words.shown import shown

_MARKS: Final = {":gear:": "⚙", ":arrow_right_hook:": "↪", ":warning:": "⚠"}
_OF_OUTCOME: Final = {"ok": "✓", "running": "▷", "client_left": "←", "replayed": "↻"}
_ID_LETTERS: Final = len("req_24a1d4")
SHORTEST_MS: Final = 50
"""An answer that took no longer came in one piece: it has no speed."""
_OUTCOME_WIDTH: Final = len("client_left")


def told(note: Annotation) -> str:
    """What happened, or happens, at a glance; on one line, whatever the client calls its model."""
    return shown(" ".join([_mark(note), *_id_and_outcome(note), *_words(note)]))


def short(request_id: str) -> str:
    """As much of a request's id as is told in the list."""
    return request_id[:_ID_LETTERS]


def marker(note: Annotation) -> str:
    """mitmproxy's name of the marker that fits, or nothing."""
    match note.part:
        case "step":
            return ":gear:"
        case "attempt" if note.followed:
            return ":arrow_right_hook:"
        case _:
            return "" if note.outcome in _OF_OUTCOME else ":warning:"


def _mark(note: Annotation) -> str:
    """The marker itself: mitmweb shows markers in a column it has no room for beside the summary."""
    return _MARKS[found] if (found := marker(note)) else _OF_OUTCOME[note.outcome]


def _id_and_outcome(note: Annotation) -> tuple[str, str]:
    """An errand of the gateway's own is of no request."""
    outcome = "preparing" if note.part == "step" else note.outcome
    return short(note.request_id).ljust(_ID_LETTERS), outcome.ljust(_OUTCOME_WIDTH)


def _words(note: Annotation) -> list[str]:
    match note.part:
        case "step":
            return [f"{note.provider}/{note.account}: {note.call}", *_failed(note), *_took(note.total_ms)]
        case "local":
            return [note.call, *([note.model, "→ nobody"] if note.model else []), *_failed(note)]
        case _:
            return [*_whom(note), *_figures(note), *_doing(note), *_failed(note)]


def _whom(note: Annotation) -> list[str]:
    account = ["→", f"{note.provider}/{note.account}"] if note.provider else []
    return [note.model or note.call, *account]


def _failed(note: Annotation) -> list[str]:
    return [note.error] if note.error else []


def _doing(note: Annotation) -> list[str]:
    return [note.doing] if note.doing else []


def _took(ms: int | None) -> list[str]:
    return [f"{ms} ms"] if ms is not None else []


def _figures(note: Annotation) -> list[str]:
    words = []
    if note.attempt > 1 or note.outcome == "failed":
        # So many there may be for a model; after them come those of its fallbacks.
        words.append(f"attempt {note.attempt}" + (f" of {note.most}" if note.attempt <= note.most else ""))
    if note.took_ms is not None:
        words.append(f"after {note.took_ms} ms")
    if note.first_token_ms is not None and note.stream:
        words.append(f"first {note.first_token_ms} ms")
    if note.held_ms:
        words.append(f"(held {note.held_ms / 1000:.1f} s by you)")
    if not note.running:
        words += _speed(note)
    return words


def _speed(note: Annotation) -> list[str]:
    """How fast it spoke. A whole answer comes at once: that it took so long is all there is to say."""
    if not note.completion_tokens or note.total_ms is None or note.first_token_ms is None:
        return []
    if not note.stream:
        return [f"{note.total_ms} ms {note.completion_tokens} tokens"]
    speaking_ms = note.total_ms - note.first_token_ms
    if speaking_ms < SHORTEST_MS:
        return [f"{note.completion_tokens} tokens"]
    return [f"{note.completion_tokens * 1000 / speaking_ms:.0f} tok/s"]
