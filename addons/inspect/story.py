"""A flow's part of the story in one line, for the flow list. Pure."""

from addons.inspect.note import Note


def told(note: Note) -> str:
    """What happened, at a glance; the request's id stands last in every line."""
    match note.part:
        case "step":
            words = [f"preparing {note.provider}/{note.account}: {note.call}", *_failed(note), *_took(note)]
        case "local":
            words = [note.call, *([note.model, "→ nobody"] if note.model else []), note.outcome, *_failed(note)]
        case _:
            words = [note.model, "→", f"{note.provider}/{note.account}", note.outcome, *_figures(note), *_failed(note)]
    return " ".join([*words, note.request_id])


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
