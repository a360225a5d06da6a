"""The model's name in a body: that alone changes."""

import json

import pytest

from providers.shared.model_field import with_model


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a","x":"model"}', b'{"model":"b","x":"model"}'),
        (b'{"x": {"model": "a"}, "model" :\n "a"}', b'{"x": {"model": "a"}, "model" :\n "b"}'),
        (
            b'{"y": ["model", "{", "\\"model\\": "], "model": "a"}',
            b'{"y": ["model", "{", "\\"model\\": "], "model": "b"}',
        ),
        (b'{"model": "\\u0061", "n": 1.50}', b'{"model": "b", "n": 1.50}'),
        (b'{"mod\\u0065l": "a", "n": 1}', b'{"model":"b","n":1}'),
    ],
    ids=["first", "behind another", "behind strings", "escaped value", "escaped name"],
)
def test_the_field_alone_is_written_anew(body: bytes, expected: bytes) -> None:
    assert with_model(body, json.loads(body), "b") == expected
    assert with_model(body, json.loads(body), "a") is body
