"""JSON in one form: the same bytes for the same value, whatever the order of its members."""

import json
from collections.abc import Callable, Iterable
from json import encoder
from typing import Any, Final

_COLON: Final = ":"
_COMMA: Final = ","
_public: Final = json.JSONEncoder(sort_keys=True, separators=(_COMMA, _COLON), check_circular=False).encode


def _writer() -> Callable[[object], str]:
    """The writer in C, made once: JSONEncoder makes another one for each text, which costs several times a small text.

    Where Python has it no more, or otherwise, it is JSONEncoder.
    """
    try:
        made: Callable[[object, int], Iterable[str]] = vars(encoder)["c_make_encoder"](
            None, None, encoder.encode_basestring_ascii, None, _COLON, _COMMA, True, False, True
        )
    except (KeyError, TypeError):
        return _public

    def write(value: object) -> str:
        return "".join(made(value, 0))

    return write


_write: Final = _writer()


def canonical(value: Any) -> bytes:
    """A value that was read from JSON: sorted, without white space, ASCII."""
    return _write(value).encode("ascii")
