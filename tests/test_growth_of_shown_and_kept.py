"""Every reader of what is shown, imported, configured or kept takes linear time: a row for each."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from addons.cleaning.cleaner import NOTHING_KNOWN
from addons.config.key_sources import _limits_of
from addons.config.secret_looks import looks_secret
from addons.config.yaml_reading import YamlProblem, read_texts
from addons.errors import clean
from addons.importing.contents import ImportProblem
from addons.importing.cookies_txt import read_cookies
from addons.importing.curl import read_curl
from addons.importing.detect import read as read_file
from addons.importing.powershell import read_powershell
from addons.inspect.annotation import Annotation
from addons.inspect.arriving import ArrivingBody
from addons.inspect.chat_view import chat_text
from addons.inspect.delivered_view import delivered_text
from addons.inspect.events_view import rows, table
from addons.inspect.pseudonyms import Pseudonyms
from addons.keys import managed
from addons.keys.managed import KeysProblem
from addons.mitm.search import answer_texts, fold_text, request_text, searched_words
from addons.recordings.recording import RecordingProblem
from addons.recordings.session_file import read_recordings
from addons.words.near import near
from tests.support.growing import Reader, fed, sse, whole, whole_bytes
from tests.support.growth import MOST_RATIO, growth


def by_pieces(take: Callable[[list[bytes]], object]) -> Callable[[bytes], object]:
    return lambda piece: take([piece])


def imported(data: str) -> object:
    try:
        return read_file(data.encode(), 0.0)
    except ImportProblem:
        return None


def powershell(data: str) -> object:
    try:
        return read_powershell(data)
    except ImportProblem as e:
        return e


def curl(data: str) -> object:
    try:
        return read_curl(data)
    except ImportProblem:
        return None


def cookies(data: str) -> object:
    return read_cookies(data, 0.0)


def viewed(delivered: str) -> object:
    return chat_text(Annotation("req_1", client_request=delivered, delivered=delivered))


def filled(messages: str) -> object:
    return viewed(f'{{"model": "m", "messages": [{messages[:-1]}]}}')


def filled_parts(parts: str) -> object:
    return filled(f'{{"role": "user", "content": [{parts[:-1]}]}},')


def filled_tools(tools: str) -> object:
    return viewed(f'{{"model": "m", "messages": [{{"role": "user", "content": "a"}}], "tools": [{tools[:-1]}]}}')


def session_read(exchanges: str) -> object:
    try:
        return read_recordings(f'{{"format": "glassgate-session", "version": 1, "exchanges": [{exchanges[:-1]}]}}')
    except RecordingProblem:
        return None


def searched(delivered: str) -> object:
    note = Annotation("req_1", client_request=delivered, delivered=delivered)
    return request_text(note), fold_text(answer_texts(note, b"", None)), searched_words(delivered)


def as_table(data: str) -> object:
    return table(rows(data.encode(), [(0.0, len(data))], None), cut=False)


def new_fields(size: int) -> Callable[[], object]:
    """Chunks each of which has a field that none had before."""
    text = sse(*({f"n{number}": "a"} for number in range(size // 8))).decode()
    return lambda: delivered_text(text)


def whole_answer(size: int) -> Callable[[], object]:
    text = "[" + '{"a":1},' * (size // 8) + "1]"
    return lambda: delivered_text(text)


def words(text: str) -> None:
    with suppress(YamlProblem):
        read_texts(text)


def keys_file(data: bytes) -> None:
    with suppress(KeysProblem):
        managed.read(data, b"v" * 16, b"s" * 32)


def limits_behind(words: list[str]) -> None:
    with suppress(ValueError):
        _limits_of(words)


READERS: dict[str, Reader] = {
    "arriving: events": fed(
        lambda: by_pieces(ArrivingBody(NOTHING_KNOWN.data).take),
        lambda size: [b'data: {"a": 1}\n\n' * 50] * (size // 800),
    ),
    "errors: clean": fed(lambda: clean, whole("\x00a")),
    "stand-ins: letters": fed(lambda: Pseudonyms().text, whole("a")),
    "stand-ins: mail": fed(lambda: Pseudonyms().text, whole("a@a.")),
    "stand-ins: jwt": fed(lambda: Pseudonyms().text, whole("eyJ")),
    "stand-ins: fields": fed(lambda: Pseudonyms().text, whole('"token":"')),
    "stand-ins: open field": fed(lambda: Pseudonyms().text, whole("\\", '"token":"')),
    "stand-ins: numbers": fed(lambda: Pseudonyms().text, whole("1.")),
    "chat view: pieces": fed(lambda: viewed, whole('data: {"choices":[{"delta":{"content":"a"}}]}\n')),
    "chat view: words": fed(lambda: viewed, whole("a")),
    "context view: messages": fed(lambda: filled, whole('{"role": "user", "content": "a"},')),
    "context view: parts": fed(lambda: filled_parts, whole('{"type": "text", "text": "a"},')),
    "context view: tools": fed(lambda: filled_tools, whole('{"type": "function", "function": {"name": "a"}},')),
    "session file": fed(lambda: session_read, whole("5,")),
    "stream view: chunks": fed(lambda: delivered_text, whole('data: {"choices":[{"delta":{"content":"a"}}]}\n\n')),
    "stream view: new fields": new_fields,
    "stream view: a whole answer": whole_answer,
    "stream view: deep": fed(lambda: delivered_text, whole("[")),
    "stream view: lines": fed(lambda: delivered_text, whole("a\n")),
    "stream view: blank lines": fed(lambda: delivered_text, whole("\n\n")),
    "search: pieces": fed(lambda: searched, whole('data: {"choices":[{"delta":{"content":"a"}}]}\n')),
    "search: words": fed(lambda: searched, whole(" a\\.")),
    "search: lists": fed(lambda: searched, lambda size: [json.dumps([["a"]] * (size // 7))]),
    "events view: events": fed(lambda: as_table, whole("data: {}\n\n")),
    "events view: blank lines": fed(lambda: as_table, whole("\n\n")),
    "import: words": fed(lambda: imported, whole("a/")),
    "import: lines": fed(lambda: imported, whole("a\tTRUE\n")),
    "import: curl": fed(lambda: curl, whole("$'a", "curl ")),
    "import: PowerShell, headers": fed(lambda: powershell, whole('"a"="b"\n', "Invoke-WebRequest -Headers @{")),
    "import: PowerShell, calls": fed(lambda: powershell, whole("Invoke-WebRequest -Uri https://a.b -Method a\n")),
    "import: PowerShell, quotes": fed(lambda: powershell, whole('`"$([char]', 'Invoke-WebRequest "')),
    "import: PowerShell, cookies": fed(
        lambda: powershell, whole('$s.Cookies.Add((x System.Net.Cookie("a", "b")))\nInvoke-WebRequest -Uri a://b\n')
    ),
    "import: line ends": fed(lambda: curl, whole("\n a", "curl ")),
    "import: line ends before words": fed(lambda: curl, whole("\n\\ ", "curl ")),
    "import: double quotes": fed(lambda: curl, whole('"\\$`', "curl ")),
    "import: words for cmd": fed(lambda: curl, whole('a "b" ', "curl ")),
    "import: options": fed(lambda: curl, whole("-sH a:b -b c=d ", "curl ")),
    "import: one header": fed(lambda: curl, whole("-H a:b ", "curl ")),
    "import: addresses": fed(lambda: curl, whole("a --next ", "curl ")),
    "import: cookies": fed(lambda: cookies, whole("a\tTRUE\t/\tTRUE\t\tb\tc\n")),
    "import: carets": fed(lambda: curl, whole("^ ", 'curl ^"')),
    "yaml: quotes": fed(lambda: words, whole('"\n', "a: ")),
    "yaml: brackets": fed(lambda: words, whole("[\n", "a: ")),
    "yaml: a problem far down": fed(lambda: words, whole("a\n", "\t")),
    "names: random": fed(lambda: looks_secret, whole("aA1")),
    "names: near": fed(lambda: lambda name: near(name, ["providers", "routing", "listen"]), whole("rout")),
    "keys: a damaged file": fed(lambda: keys_file, whole_bytes('{"a":')),
    "keys: the file's quotes": fed(lambda: keys_file, whole_bytes('"')),
    "keys: limits behind a name": fed(lambda: lambda said: limits_behind(said.split()), whole("rpm=1 ")),
    "keys: patterns of models": fed(lambda: lambda said: limits_behind([said]), whole("a*,", "models=")),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_linear_time(name: str) -> None:
    assert growth(READERS[name], 20_000) < MOST_RATIO
