"""A flow's part of the story in one line, for the flow list. Pure."""

from typing import Final

from addons.inspect.note import Note

_MARKS: Final = {":gear:": "⚙", ":arrow_right_hook:": "↪", ":warning:": "⚠"}


def told(note: Note) -> str:
    """What happened, at a glance; the request's id stands last in every line."""
    request = [note.request_id] if note.request_id != "-" else []  # the gateway's own errand
    return " ".join([*_mark(note), *_words(note), *request])


def marker(note: Note) -> str:
    """mitmproxy's name of the marker that fits, or nothing."""
    match note.part:
        case "step":
            return ":gear:"
        case "attempt" if note.followed:
            return ":arrow_right_hook:"
        case _:
            return "" if note.outcome in ("ok", "client_left", "replayed") else ":warning:"


def _mark(note: Note) -> list[str]:
    """The marker itself: mitmweb shows markers in a column it has no room for beside the story."""
    return [_MARKS[found]] if (found := marker(note)) else []


def _words(note: Note) -> list[str]:
    match note.part:
        case "step":
            return [f"preparing {note.provider}/{note.account}: {note.call}", *_failed(note), *_took(note)]
        case "local":
            return [note.call, *([note.model, "→ nobody"] if note.model else []), note.outcome, *_failed(note)]
        case _:
            return [note.model, "→", f"{note.provider}/{note.account}", note.outcome, *_figures(note), *_failed(note)]


def _failed(note: Note) -> list[str]:
    return [note.error] if note.error else []


def _took(note: Note) -> list[str]:
    return [f"{note.total_ms} ms"] if note.total_ms is not None else []


def _figures(note: Note) -> list[str]:
    words = []
    if note.attempt > 1 or note.outcome == "failed":
        words.append(f"attempt {note.attempt}" + (f" of {note.most}" if note.most else ""))
    if note.first_token_ms is not None:
        words.append(f"first {note.first_token_ms} ms")
    if note.completion_tokens and note.total_ms and note.first_token_ms is not None:
        speaking_s = max(note.total_ms - note.first_token_ms, 1) / 1000
        words.append(f"{note.completion_tokens / speaking_s:.0f} tok/s")
    return words
