"""The cleaner: takes secrets out of bytes, texts, errors and HTTP heads, in every form the index and its unpackings
know.

Cleaner(index)    data, text        as they are, for what is kept
                  words, log        for what becomes words of ours
                  error             a provider's error, where it enters the gateway
                  head, request     HTTP
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mitmproxy import http

from addons.cleaning.index import Index, KnownSecret, Span, merged, secrets_of
from addons.cleaning.patterns import without_credentials
from addons.cleaning.unpacked import encodings, escapes, readable, runs
from addons.framing.fields import value_of
from addons.words.shown import shown, shown_lines
from providers.contract.errors import ProviderError
from providers.contract.session import Credentials, given_cookies

HIDDEN: Final = "~hidden~"
DEPTH: Final = 2
"""Kinds of escapes and encodings undone one below the other: percent in JSON, JSON in HTML, base64 of JSON."""
SLICE_BYTES: Final = 256 * 1024
OVERLAP_BYTES: Final = 1024
"""A piece of PIECE letters stands whole in one of two slices, escaped or not."""
PASSED_LIMIT: Final = 2000
PASSED_BYTES: Final = 200
"""Parts of heads, and texts of the log, that are remembered as clean: how many, and of what length at most."""
LOG_LIMIT: Final = 64 * 1024
"""Characters of one message in the log; mitmproxy's may quote whole buffers."""

type Fields = tuple[tuple[bytes, bytes], ...]
type AccountKey = tuple[str, str]
"""(provider, account) whose flow it is: its secrets stand there by their names."""


class Cleaner:
    """Removes secrets. `index` gives those in force; it is asked at every use and must be cheap."""

    def __init__(
        self, index: Callable[[], Index], learn: Callable[[Iterable[KnownSecret]], None] | None = None
    ) -> None:
        self._index = index
        self._learn = learn

    @classmethod
    def knowing(cls, secrets: Iterable[KnownSecret]) -> "Cleaner":
        """A cleaner for these and no others."""
        index = Index.of(secrets)
        return cls(lambda: index)

    @classmethod
    def of(cls, credentials: Credentials, provider: str, account: str) -> "Cleaner":
        """A cleaner that knows the secrets of one session: for one that is in no vault yet."""
        return cls.knowing(secrets_of(credentials, provider, account))

    def also(self, secrets: Iterable[KnownSecret]) -> "Cleaner":
        """A cleaner that knows these secrets too, for one answer; nobody else learns of them."""
        own = Index.of(secrets)
        return Cleaner(lambda: self._index().also(own), self._learn)

    def learn(self, secrets: Iterable[KnownSecret]) -> None:
        """Adds secrets that have just been handed out and are in no vault yet."""
        if self._learn is not None:
            self._learn(secrets)

    # -- bytes and texts as they are ------------------------------------------------------------------------------
    def data(self, data: bytes, owner: AccountKey | None = None) -> bytes:
        """`data` without secrets. What was found keeps its length where it can: some sites count positions."""
        return self._cleaned(data, owner, fill=b"~")

    def _cleaned(self, data: bytes, owner: AccountKey | None, fill: bytes) -> bytes:
        """The cleaned data; the very same `data` where there is nothing to hide. `fill` brings the mark to the secret's
        length."""
        index = self._index()
        spans = _all_spans(data, index)
        if not spans:
            return data
        parts: list[bytes] = []
        at = 0
        for start, end in merged(_whole_letters(data, span) for span in spans):
            names = index.placeholders.get(data[start:end], {}) if owner else {}
            stands = names.get(owner) if owner else None
            parts += (
                data[at:start],
                stands.encode() if stands else HIDDEN.encode() + fill * (end - start - len(HIDDEN)),
            )
            at = end
        return b"".join([*parts, data[at:]])

    def text(self, text: str, owner: AccountKey | None = None) -> str:
        """The text without secrets; half surrogates and bytes that were no text come through."""
        return self._text(text, owner, fill=b"~")

    def _text(self, text: str, owner: AccountKey | None, fill: bytes) -> str:
        data = text.encode("utf-8", "surrogatepass")
        clean = self._cleaned(data, owner, fill)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    # -- words of ours --------------------------------------------------------------------------------------------
    def words(self, text: str) -> str:
        """A provider's words as one line that may become ours: no secret, nothing that looks like one."""
        return shown(" ".join(without_credentials(self._text(text, None, fill=b"")).split()))

    def log(self, text: str) -> str:
        """A log message without secrets: its line ends stay, but begin no line of their own.

        A short one that is clean is remembered.
        """
        logged = self._index().logged
        if text in logged:
            return text
        cut = text if len(text) <= LOG_LIMIT else f"{text[:LOG_LIMIT]}… ({len(text)} characters)"
        clean = shown_lines(without_credentials(self._text(cut, None, fill=b"")))
        if clean == text and len(text) <= PASSED_BYTES:
            if len(logged) >= PASSED_LIMIT:
                logged.clear()
            logged.add(text)
        return clean

    def error(self, error: ProviderError) -> ProviderError:
        """The same error, every word of it cleaned. Called where a provider's error enters the gateway."""
        error.message = self.words(error.message)
        error.args = (error.message,)
        error.words = self.words(error.words) if error.words else ""
        error.site_code = self.words(error.site_code) if error.site_code else error.site_code
        error.param = self.words(error.param) if error.param else error.param
        return error

    # -- HTTP -----------------------------------------------------------------------------------------------------
    def head(self, response: http.Response, owner: AccountKey) -> list[str]:
        """Cleans a response's head in place: reason, header names and values, trailers; every cookie goes.

        Gives the Set-Cookie values as they came."""
        taken: list[str] = []
        if value_of(response.headers.fields, b"set-cookie") is not None:
            taken = response.headers.get_all("set-cookie")
            response.headers.set_all("set-cookie", [_named_cookie(cookie, owner) for cookie in taken])
        trailers = response.trailers.fields if response.trailers is not None else ()
        if self.nothing_in(response.data.reason, *_parts(response.headers.fields), *_parts(trailers)):
            return taken
        response.data.reason = self.data(response.data.reason, owner)
        response.headers = self._fields(response.headers, owner)
        if response.trailers is not None:
            response.trailers = self._fields(response.trailers, owner)
        return taken

    def request(self, request: http.Request) -> http.Request:
        """A request as it is shown: a site's own words stand in addresses and headers, its ids for example.

        The very same one where there is nothing to hide."""
        if self.nothing_in(*self._path_parts(request.data.path), *_parts(request.headers.fields)):
            return request
        shown = request.copy()
        shown.data.path, shown.headers = self.data(request.data.path), self._fields(request.headers, None)
        return shown

    def nothing_in(self, *parts: bytes) -> bool:
        """Whether a head holds no secret, which mostly one look at all of it tells. (No secret has a line end.)

        Heads repeat themselves, so what was looked at and is short is not looked at again.
        """
        passed = self._index().passed
        fresh = [part for part in parts if part not in passed]
        if not fresh:
            return True
        joined = b"\n".join(fresh)
        if self.data(joined) is not joined:
            return False
        if len(passed) + len(fresh) > PASSED_LIMIT:
            passed.clear()
        passed.update(part for part in fresh[:PASSED_LIMIT] if len(part) <= PASSED_BYTES)
        return True

    def _path_parts(self, path: bytes) -> list[bytes]:
        """The parameters of a path one by one, most of which come with each call; the path, where a secret or an entity
        (`&quot;`) may reach from one into the next."""
        whole = len(path) <= PASSED_BYTES or b";" in path or ord("&") in self._index().letters
        return [path] if whole else path.split(b"&")

    def _fields(self, headers: http.Headers, owner: AccountKey | None) -> http.Headers:
        return http.Headers((self.data(name, owner), self.data(value, owner)) for name, value in headers.fields)


def _parts(fields: Fields) -> Iterator[bytes]:
    return (part for field in fields for part in field)


def handed_out(set_cookies: Iterable[str]) -> list[KnownSecret]:
    """The new secrets in Set-Cookie headers, of which an answer may speak elsewhere too."""
    return [KnownSecret(value, "new") for _, value in given_cookies(tuple(set_cookies))]


NOTHING_KNOWN: Final = Cleaner(lambda: Index())
"""Knows no secrets: for what is read again offline."""


def _all_spans(data: bytes, index: Index) -> list[Span]:
    """Where secrets stand in `data`: slice by slice, since some of what is done keeps the interpreter's lock."""
    if len(data) <= SLICE_BYTES:
        return _spans(data, index, DEPTH)
    return [
        (start + at, end + at)
        for at in range(0, len(data), SLICE_BYTES)
        for start, end in _spans(data[at : at + SLICE_BYTES + OVERLAP_BYTES], index, DEPTH)
    ]


def _spans(data: bytes, index: Index, depth: int) -> list[Span]:
    """Where secrets stand in `data`, literally or below escapes."""
    if not index.segments or not data:
        return []
    found = index.spans(data)
    found_runs = runs(data)
    encoded = b"\n".join(plain for plain, _ in encodings(found_runs)) if found_runs else b""
    below = readable(encoded) if depth and encoded else b""
    if encoded and (index.spans(encoded) or _spans(below, index, depth - 1)):
        for plain, back in encodings(data):
            found += [back(span) for span in (_spans(plain, index, depth - 1) if below else index.spans(plain))]
    if depth:
        for plain, back in escapes(data, index.letters):
            found += [back(span) for span in _spans(plain, index, depth - 1)]
    return found


def _whole_letters(data: bytes, span: Span) -> Span:
    """The span without a letter of UTF-8 cut in two."""
    start, end = span
    while 0 < start < len(data) and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return start, end


def _named_cookie(cookie: str, owner: AccountKey) -> str:
    name, _, rest = cookie.partition("=")
    _, semicolon, attributes = rest.partition(";")
    return f"{name}=~sealed~{owner[0]}~{owner[1]}~cookie:{name.strip()}~{semicolon}{attributes}"
