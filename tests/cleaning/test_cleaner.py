"""Secrets go in every form, and nothing else does."""

import base64
import html
import json
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.cleaning.cleaner import HIDDEN, OVERLAP_BYTES, PASSED_BYTES, PASSED_LIMIT, SLICE_BYTES, Cleaner
from addons.cleaning.index import HITS_LIMIT, PIECE, SEGMENT_BYTES, Index, KnownSecret
from providers.contract.errors import ErrorKind, ProviderError
from tests.support.counting import work_of

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
PASSWORD = "p\"a'ss wörd/ñ{7} back\\slash"
COOKIE = "ZmX%2Fq3.v9+Lk=8s~Tt71nB"
QUOTES = "a1/b\"c'd<e/f\"g'h&i/j\"k'ñ"
"""Nowhere long without a letter that some form escapes."""
SECRETS = [
    KnownSecret(KEY, "api_key", "p", "a"),
    KnownSecret(PASSWORD, "password", "p", "a"),
    KnownSecret(COOKIE, "cookie:sid", "p", "b"),
    KnownSecret("pw12", "password", "p", "b"),
    KnownSecret("dark", "cookie:theme", "p", "b"),
    KnownSecret("standard", "cookie:kind", "p", "b"),
    KnownSecret("a-client-key", "client_key"),
]
CLEANER = Cleaner.knowing(SECRETS)


def _times(count: int, form: Callable[[str], str], text: str) -> str:
    for _ in range(count):
        text = form(text)
    return text


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    data = secret.encode()
    units = "".join(f"\\u{ord(letter):04X}" for letter in secret)
    yield "as it is", secret
    yield "JSON", json.dumps(secret)
    yield "JSON of an older kind", json.dumps(secret, ensure_ascii=False).replace("/", "\\/")
    yield "all JSON escapes", units
    yield "JSON in JSON", json.dumps(json.dumps({"key": secret}))
    yield "all JSON escapes in JSON", json.dumps(units)
    yield "all JSON escapes in JSON in JSON in JSON", _times(3, json.dumps, units)
    yield "percent", urllib.parse.quote(secret, safe="")
    yield "a form's", urllib.parse.quote_plus(secret)
    yield "percent four times", _times(4, lambda text: urllib.parse.quote(text, safe=""), secret)
    yield "all percent", "".join(f"%{byte:02x}" for byte in data)
    yield "percent twice", urllib.parse.quote(urllib.parse.quote(secret, safe=""), safe="")
    yield "percent in JSON", json.dumps("".join(f"%{byte:02X}" for byte in data)).replace("%", "\\u0025")
    yield "HTML", html.escape(secret)
    yield "HTML four times", _times(4, html.escape, secret)
    yield "all HTML", "".join(f"&#{ord(letter)};" for letter in secret)
    yield "all HTML, hexadecimal", "".join(f"&#x{ord(letter):X};" for letter in secret)
    yield "Python's bytes", repr(data)
    yield "UTF-16", secret.encode("utf-16-le").decode("latin-1")
    yield "UTF-16, the other one", secret.encode("utf-16-be").decode("latin-1")
    yield "Latin-1", secret.encode("latin-1").decode("utf-8", "replace")
    for separator in (":", " ", "-", ", ", "\n"):
        yield f"hexadecimal with {separator!r}", separator.join(f"{byte:02x}" for byte in data)
    yield "an array of hexadecimal", ", ".join(f"0x{byte:02X}" for byte in data)
    yield "an array of numbers", ",".join(map(str, data))
    yield "an array of numbers in JSON", json.dumps(list(data), indent=1)[1:-1].strip()
    for before in ("", "a", "ab", "abc"):
        yield f"base64 behind {before!r}", base64.b64encode(f"{before}{secret} and on".encode()).decode()
        yield f"base64 of links behind {before!r}", base64.urlsafe_b64encode(f"{before}{secret}??>".encode()).decode()
        yield f"base64 with {before!r} glued on", before + base64.b64encode(data).decode().rstrip("=")
    yield "base64 in JSON", base64.b64encode(f"??>{secret}??>".encode()).decode().replace("/", "\\/")
    yield "base64 in a link", urllib.parse.quote(base64.b64encode(f"??>{secret}??>".encode()).decode(), safe="")
    yield "hexadecimal", data.hex()
    yield "hexadecimal behind an odd digit", "f" + data.hex().upper()
    for kind, said in (
        ("JSON", json.dumps({"p": secret})),
        ("percent", "".join(f"%{byte:02X}" for byte in data)),
        ("base64", base64.b64encode(f"ab{secret}".encode()).decode()),
        ("hexadecimal", data.hex()),
        ("all JSON escapes", units),
        ("all HTML", "".join(f"&#{ord(letter)};" for letter in secret)),
    ):
        yield f"base64 of {kind}", base64.b64encode(said.encode()).decode()
        yield f"hexadecimal of {kind}", said.encode().hex()
    yield "the beginning", secret[:PIECE]
    yield "the end", secret[-PIECE:]
    yield "the middle", secret[5 : 5 + PIECE]


@pytest.mark.parametrize("alone", [False, True], ids=["of many", "alone"])
@pytest.mark.parametrize("secret", [KEY, PASSWORD, COOKIE, QUOTES])
def test_every_form_goes_and_the_words_around_stay(secret: str, alone: bool) -> None:
    """What is unpacked depends on the letters that all secrets have: one with a backslash changes it for the others."""
    known = [KnownSecret(secret, "password", "p", "a")]
    cleaner = Cleaner.knowing(known if alone else [*SECRETS, *known])
    for name, form in _forms(secret):
        clean = cleaner.text(f"before «{form}» after")
        assert HIDDEN in clean, name
        assert clean.startswith("before «"), name
        assert clean.endswith("» after"), name
        assert not any(form[at : at + 2 * PIECE] in clean for at in range(len(form) - 2 * PIECE + 1)), name


@pytest.mark.parametrize(
    "text",
    [
        "standard dark mode, latest pw123, my-pw12x",
        "data: {\"choices\":[{\"delta\":{\"content\":\"ak_9fPq2LzR\"}}]}",  # a letter too short
        "https://x.example/?q=%2Fa%20b&amp;c=\\u0041 QmFzZTY0IGlzIG5vdCBhIHNlY3JldA== 6e6f7468696e672068657265",
        "",
    ],
)  # fmt: skip
def test_other_words_stay(text: str) -> None:
    assert CLEANER.text(text) == text


@pytest.mark.parametrize("secret", ["a1b2\\c3d4\\e5f6\\g7h8", "a1\tb2\\c3\td4\\e5\tf6\\g7"])
def test_a_secret_with_backslashes_of_its_own_goes_from_json(secret: str) -> None:
    clean = Cleaner.knowing([KnownSecret(secret, "token", "p", "a")]).text(json.dumps(secret))
    assert not any(part in clean for part in ("b2", "c3", "e5"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
def test_letters_beyond_latin_1_go_in_the_encodings_of_texts(encoding: str) -> None:
    secret = "🌏ear🌏moo🌏sun🌏"
    cleaner = Cleaner.knowing([KnownSecret(secret, "token", "p", "a")])
    said = secret.encode(encoding)
    assert said not in cleaner.data(b"a " + said + b" b")
    assert "moo" not in cleaner.text(json.dumps(secret))


def test_a_secret_that_base64_of_links_writes_in_letters_of_its_own_goes() -> None:
    secret = "a~?b~?c~?d~?e~?f~?"  # an underscore in each four letters
    said = base64.urlsafe_b64encode(secret.encode()).decode()
    assert said.count("_") == 6
    assert said not in Cleaner.knowing([KnownSecret(secret, "token", "p", "a")]).text(f"key {said}")


@pytest.mark.parametrize("encoding", ["latin-1", "gb18030"])
def test_letters_of_latin_1_go_in_the_encodings_of_texts(encoding: str) -> None:
    secret = "äbcöéfüñiàkèmôo"  # no twelve bytes of ASCII
    said = secret.encode(encoding)
    assert said not in Cleaner.knowing([KnownSecret(secret, "token", "p", "a")]).data(b"a " + said + b" b")


def test_white_space_of_a_secret_may_be_told_run_together() -> None:
    cleaner = Cleaner.knowing([KnownSecret("one  two\tsix   ten  red  sun", "password", "p", "a")])
    assert cleaner.words("not one two six ten red sun,  please") == f"not {HIDDEN}, please"


def test_short_passwords_go_as_words() -> None:
    assert CLEANER.words("the password pw12, or key_pw12") == f"the password {HIDDEN}, or key_{HIDDEN}"


def test_in_its_own_flow_a_secret_has_its_name() -> None:
    said = f"key {KEY}.".encode()
    assert CLEANER.data(said, ("p", "a")) == b"key ~sealed~p~a~api_key~."
    assert CLEANER.data(said, ("p", "b")) == f"key {HIDDEN}{'~' * (len(KEY) - len(HIDDEN))}.".encode(), "length kept"
    assert CLEANER.data(b"a-client-key", ("p", "a")) == b"~hidden~~~~~"


@given(st.text(alphabet="abé%\\&;uD8x+0 \n\ud800", max_size=60))
def test_any_text_comes_through(text: str) -> None:
    assert CLEANER.text(text) == text
    assert CLEANER.data(text.encode("utf-8", "surrogatepass")) == text.encode("utf-8", "surrogatepass")


@given(
    st.text(min_size=PIECE, max_size=80),
    st.text(max_size=30),
    st.integers(0, 10_000),
    st.integers(PIECE * 4, 400),
)
def test_any_long_piece_of_any_secret_goes(secret: str, around: str, start: int, length: int) -> None:
    data = secret.encode()
    start %= len(data)
    piece = data[start : start + length]
    cleaner = Cleaner.knowing([KnownSecret(secret, "token", "p", "a")])
    clean = cleaner.data(around.encode() + piece + around.encode())
    if len(piece) >= PIECE:
        assert piece not in clean or piece in (around + around).encode() or piece in b"~hidden~~~~~~~~~~~~~~~~"


def test_letters_are_not_cut_in_two() -> None:
    cleaner = Cleaner.knowing([KnownSecret("ключ-от-дома-1234", "token", "p", "a")])
    # Ї ends in the byte that ч ends in, so the piece begins in the middle of it.
    assert cleaner.text("скоЇ-от-дома-1234й") == f"ско{HIDDEN}{'~' * (len('Ї-от-дома-1234'.encode()) - len(HIDDEN))}й"


@pytest.mark.parametrize("at", [SLICE_BYTES - 30, SLICE_BYTES - 5, SLICE_BYTES, SLICE_BYTES + OVERLAP_BYTES - 20])
def test_what_stands_between_two_slices_goes(at: int) -> None:
    form = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    for said in (KEY, form, base64.b64encode(KEY.encode()).decode()):
        clean = CLEANER.text("x " * (at // 2) + said + " y" * SLICE_BYTES)
        assert HIDDEN in clean
        assert said[12:] not in clean
        assert said[:-12] not in clean


def test_a_very_long_secret_is_known_in_parts() -> None:
    secret = "".join(f"{number:07}" for number in range(SEGMENT_BYTES // 3))
    cleaner = Cleaner.knowing([KnownSecret(secret, "token", "p", "a")])
    for at in (0, SEGMENT_BYTES - 6, len(secret) - 30):
        assert secret[at : at + 30] not in cleaner.text(f"a {secret[at : at + 30]} b")


def test_a_text_full_of_hits_is_hidden_without_looking_closer() -> None:
    cleaner = Cleaner.knowing([KnownSecret("abcdefghijklmnop" * 2, "token", "p", "a")])
    clean = cleaner.data(b"abcdefgh" * (HITS_LIMIT + 10))  # never a whole piece
    assert clean == b"abcdefgh" * HITS_LIMIT + HIDDEN.encode().ljust(80, b"~")


def test_errors_are_cleaned_in_every_word() -> None:
    error = ProviderError(
        ErrorKind.BAD_REQUEST, f"bad {KEY}\r\n\x1b[2J\u202e", site_code=KEY, param=KEY, words=f"a {KEY}"
    )
    assert CLEANER.error(error) is error
    assert error.words == f"a {HIDDEN}"
    assert (error.message, error.site_code, error.param) == (f"bad {HIDDEN} \\x1b[2J\\u202e", HIDDEN, HIDDEN)
    assert KEY not in str(error) + repr(error)


def test_what_only_looks_like_a_credential_goes_from_words() -> None:
    said = "Authorization: Bearer abcdefghijkl, key sk-proj-0123456789 of ?token=opaque (b'Set-Cookie', b'sid=unseen')"
    clean = CLEANER.words(said)
    assert not any(word in clean for word in ("abcdefghijkl", "0123456789", "opaque", "unseen"))
    assert CLEANER.words("no cookie, sign in again") == "no cookie, sign in again"
    assert CLEANER.words("Bearer ~sealed~p~a~token~ is wrong") == "Bearer ~sealed~p~a~token~ is wrong"


def test_a_head_is_cleaned_whole() -> None:
    response = http.Response(
        b"HTTP/1.1", 401, f"no {KEY}".encode(),
        http.Headers([(b"x-" + KEY.encode(), b"1"), (b"x", KEY.encode()), (b"Set-Cookie", b"sid=opaque; path=/")]),
        b"", http.Headers([(b"x-end", KEY.encode())]), 0, 0,
    )  # fmt: skip
    assert CLEANER.head(response, ("p", "a")) == ["sid=opaque; path=/"]
    told = repr(response.get_state())
    assert KEY not in told
    assert "opaque" not in told
    assert response.headers["set-cookie"] == "sid=~sealed~p~a~cookie:sid~; path=/"


@pytest.mark.parametrize("part", ["reason", "name", "value", "trailer"])
def test_a_secret_in_a_single_part_of_a_head_is_seen(part: str) -> None:
    response = http.Response.make(200, b"", {"x-a": "1"})
    response.trailers = http.Headers(x_b="2")
    if part == "reason":
        response.reason = KEY
    elif part == "trailer":
        response.trailers["x-b"] = KEY
    else:
        response.headers[KEY if part == "name" else "x-a"] = KEY if part == "value" else "1"
    CLEANER.head(response, ("other", "one"))
    assert KEY not in repr(response.get_state())


def test_a_request_is_shown_cleaned_and_stays_itself_where_nothing_is_to_hide() -> None:
    plain = http.Request.make("GET", "http://127.0.0.1/a?b=c", b"", [(b"x", b"y")])
    assert CLEANER.request(plain) is plain
    odd = http.Request.make("GET", f"http://127.0.0.1/chat/{KEY}", b"", [(b"referer", f"/c/{KEY}".encode())])
    shown = CLEANER.request(odd)
    assert KEY not in repr(shown.get_state())
    assert KEY in odd.path


# -- heads that repeat themselves -------------------------------------------------------------------------------------
def test_a_part_that_passed_is_looked_at_again_when_more_is_known() -> None:
    later = "a-secret-of-the-next-minute"
    index = Index.of([KnownSecret(KEY, "api_key", "p", "a")])
    cleaner = Cleaner(lambda: index)
    assert cleaner.nothing_in(b"x-note", later.encode())
    assert cleaner.nothing_in(b"x-note", later.encode())
    assert not cleaner.also([KnownSecret(later, "new")]).nothing_in(b"x-note", later.encode())
    index = Index.of([KnownSecret(later, "new")])
    assert not cleaner.nothing_in(b"x-note", later.encode())


def test_what_holds_a_secret_never_passes_and_long_or_many_parts_are_not_remembered() -> None:
    index = Index.of([KnownSecret(KEY, "api_key", "p", "a")])
    cleaner = Cleaner(lambda: index)
    for _ in range(2):
        assert not cleaner.nothing_in(b"fine", b"x" + KEY.encode())
    assert cleaner.nothing_in(b"y" * (PASSED_BYTES + 1))
    assert index.passed == set()
    for number in range(3):
        assert cleaner.nothing_in(*(b"%d-%d" % (number, part) for part in range(PASSED_LIMIT - 1)))
        assert len(index.passed) <= PASSED_LIMIT
    assert cleaner.nothing_in(*(b"%d" % part for part in range(2 * PASSED_LIMIT)))
    assert len(index.passed) <= PASSED_LIMIT


def long_path(*parameters: str) -> http.Request:
    path = "/api/chat?" + "&".join((f"words={'w' * PASSED_BYTES}", *parameters))
    return http.Request.make("POST", f"http://127.0.0.1{path}")


@pytest.mark.parametrize(
    ("secret", "parameters", "hidden"),
    [
        ("the-secret-value", ["a=b"], False),
        ("the-secret-value", ["a=the-secret-value", "c=d"], True),
        ("the-secret-value", ["a=the%2Dsecret%2Dvalue"], True),
        ("a-secret&of=two-parts", ["x=a-secret", "of=two-parts"], True),
        ("one'secret'in'marks", ["x=one&apos;secret&apos;in&apos;marks"], True),
        ("one&secret&in&signs", ["x=one&amp;secret&amp;in&amp;signs"], True),
    ],
)
def test_a_secret_is_found_in_a_long_path_whatever_parts_its_parameters(
    secret: str, parameters: list[str], hidden: bool
) -> None:
    cleaner, request = Cleaner.knowing([KnownSecret(secret, "token", "p", "a")]), long_path(*parameters)
    for _ in range(2):
        shown = cleaner.request(request)
        assert (HIDDEN.encode() in shown.data.path) == hidden
        assert (shown is request) != hidden


def test_what_a_log_has_had_is_not_looked_at_again_until_there_is_another_secret() -> None:
    index = [Index()]
    cleaner = Cleaner(lambda: index[0])
    assert cleaner.log("words that hold a-new-secret") == cleaner.log("words that hold a-new-secret")
    assert work_of(lambda: cleaner.log("words that hold a-new-secret"))[1] < 10
    index[0] = Index.of([KnownSecret("a-new-secret", "token", "p", "a")])
    assert cleaner.log("words that hold a-new-secret") == f"words that hold {HIDDEN}"


def test_of_texts_of_the_log_so_many_are_remembered() -> None:
    index = Index()
    cleaner = Cleaner(lambda: index)
    for number in range(PASSED_LIMIT + 10):
        cleaner.log(f"line {number}")
    cleaner.log("long " * PASSED_BYTES)
    assert 0 < len(index.logged) <= PASSED_LIMIT
    assert max(map(len, index.logged)) <= PASSED_BYTES
