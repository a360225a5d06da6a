"""What is taken out of texts that are shown or kept, and what stays."""

from typing import Any

import pytest

from addons.cleaning.redaction import HIDDEN, redacted, redacted_header
from providers.sandbox.tokens import jwt

TOKEN = jwt({"id": "u"})


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param(f'{{"access_token": "{TOKEN}"}}', TOKEN, id="jwt"),
        pytest.param(f"now you are {TOKEN}, welcome", TOKEN, id="jwt in words"),
        pytest.param('{"refresh_token":"opaque-value-1"}', "opaque-value-1", id="refresh token"),
        pytest.param('{"data": {"token" : "abc\\"def"}}', "def", id="escaped quote"),
        pytest.param('{"password": "pw"}', "pw", id="password"),
        pytest.param('{"passport_token_key":"zzz-1"}', "zzz-1", id="passport"),
        pytest.param("https://cdn.example/x.png?key=abcdef&w=1", "abcdef", id="signed link"),
        pytest.param("https://x.example/punish?x5secdata=abc", "abc", id="challenge link"),
        pytest.param("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop", id="bearer"),
    ],
)
def test_secrets_go(text: str, secret: str) -> None:
    clean = redacted(text)
    assert secret not in clean
    assert HIDDEN in clean


@pytest.mark.parametrize(
    "letters", [{}, {"s": "ſ", "i": "ı"}, {"k": "\u212a", "i": "İ"}, {"s": "S", "w": "W", "d": "D"}]
)
@pytest.mark.parametrize(
    "name",
    [
        "token",
        "key",
        "secret",
        "password",
        "passwd",
        "cookie",
        "credential",
        "signature",
        "jwt",
        "csrf-token",
        "api_key",
    ],
)
def test_a_name_is_known_in_all_forms_of_its_letters(name: str, letters: Any) -> None:
    odd = name.translate(str.maketrans(letters))
    assert redacted(f'{{"{odd}" : "opaque"}}') == f'{{"{odd}" : "{HIDDEN}"}}'


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "~sealed~zai~main~token~"}',
        "Bearer ~sealed~zai~main~token~",
        "https://x.example/?token=~sealed~zai~main~token~&a=1",
        '{"prompt_tokens": 12, "total_tokens": 40, "content": "the key of the house"}',
        "I token you so; bearer of news",
    ],
)
def test_placeholders_and_words_stay(text: str) -> None:
    assert redacted(text) == text


def test_literal_secrets_go_wherever_they_stand() -> None:
    assert redacted("before s3cr3t-value after", ["s3cr3t-value"]) == f"before {HIDDEN}~~~~ after"
    assert redacted("an ordinary word", ["word"]) == "an ordinary word"


def test_headers() -> None:
    assert redacted_header("Set-Cookie", "a=b") == HIDDEN
    assert redacted_header("Authorization", "Bearer ~sealed~a~b~token~") == "Bearer ~sealed~a~b~token~"
    assert redacted_header("content-type", "text/plain") == "text/plain"
    assert redacted_header("Location", "/x?token=abcdef") == f"/x?token={HIDDEN}"
