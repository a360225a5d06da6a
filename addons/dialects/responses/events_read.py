"""What each event of a stream of /v1/responses says, in words. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from addons.dialects.transcript import as_text, one_line
from providers.formats.jsontext import mapping, text

_WORDS: Final = 400
_IN_HEAD: Final = ("model", "id")
_UNSAID: Final = frozenset({"type", "sequence_number", "output_index", "content_index", "summary_index", "item_id"})
_EMPTY: Final[tuple[object, ...]] = ([], {}, "", None)


class EventReader:
    """Tells what each event of a stream adds."""

    def __init__(self) -> None:
        self.head: list[str] = []

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        kind = text(frame.get("type")).removeprefix("response.") or "event"
        response = mapping(frame.get("response"))
        if not self.head and response:
            self.head = [f"{name} {one_line(as_text(response[name]), 60)}" for name in _IN_HEAD if response.get(name)]
        index = frame.get("output_index")
        words = [one_line(kind, 60) + (f" [{one_line(as_text(index), 20)}]" if index is not None else "")]
        if error := mapping(frame.get("error")) or mapping(response.get("error")):
            told = [as_text(error[name]) for name in ("code", "message") if error.get(name)]
            words.append(f"ERROR {one_line(': '.join(told), 2000)}")
        if response:
            words += _response(response)
        if item := mapping(frame.get("item")):
            words.append(_item(item))
        for name, value in frame.items():
            if name not in _UNSAID and name not in ("response", "item", "error", "logprobs") and value not in _EMPTY:
                words.append(_field(name, value))
        return words


def _response(response: Mapping[str, Any]) -> list[str]:
    words = [f"status {one_line(as_text(response.get('status')), 20)}"]
    if usage := mapping(response.get("usage")):
        numbers = [one_line(as_text(usage.get(name, "?")), 20) for name in ("input_tokens", "output_tokens")]
        words.append(f"usage {'+'.join(numbers)}")
    if reason := mapping(response.get("incomplete_details")).get("reason"):
        words.append(f"because of {one_line(as_text(reason), 60)}")
    return words


def _item(item: Mapping[str, Any]) -> str:
    named = [one_line(as_text(item[name]), 60) for name in ("type", "namespace", "name", "status") if item.get(name)]
    return " ".join(named)


def _field(name: str, value: Any) -> str:
    if name == "delta" and isinstance(value, str):
        return _quoted(value)
    return f"{one_line(name, 60)} {_quoted(value)}"


def _quoted(value: Any) -> str:
    """A text in quotes, with its line ends and spaces visible; anything else as JSON."""
    if not isinstance(value, str):
        return one_line(as_text(value))
    return repr(value) if len(value) <= _WORDS else f"{value[:_WORDS]!r}… ({len(value)} characters)"
