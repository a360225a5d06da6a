"""Reader of Netscape's cookies.txt, as extensions of browsers, curl and Python write it. Pure; time is passed in.

Read as http.cookiejar.MozillaCookieJar reads it, but for what other programs write: an expiry of 0 (curl) or -1
(Playwright) is a session's cookie, the first line need not be there, and whether subdomains get a cookie need not agree
with its domain's dot.
"""

import re
from typing import Final

from addons.importing.contents import FileContents, FileCookie, ImportProblem

LIMIT_CHARS: Final = 4 * 1024 * 1024
"""A browser keeps some thousands of cookies of at most 4 KB each, most far shorter."""
_HTTP_ONLY: Final = "#HttpOnly_"
_FIELDS: Final = 7
_LINE_END: Final = re.compile(r"\r\n?|\n")
_DIGITS: Final = 32
_LONGEST: Final = 1e15
_COMMENTS: Final = ("#", "$")


def read_cookies(data: str, now: float) -> FileContents:
    """The cookies that have not ended at `now` (Unix seconds). Raises ImportProblem."""
    if len(data) > LIMIT_CHARS:
        raise ImportProblem("this cookies.txt is larger than 4 MB: export the site's cookies alone")
    found, ended = [], 0
    for number, raw in enumerate(_LINE_END.split(data), 1):
        line = raw.removeprefix(_HTTP_ONLY)
        if not line.strip() or line.strip().startswith(_COMMENTS):
            continue
        cookie = _cookie(line, number)
        if cookie is None:
            continue
        if 0 < cookie.expires <= now:
            ended += 1
        else:
            found.append(cookie)
    if not found and not ended:
        raise ImportProblem("this cookies.txt holds no cookie")
    return FileContents("cookies.txt", cookies=tuple(found), note=f"{ended} cookies have ended" if ended else "")


def _cookie(line: str, number: int) -> FileCookie | None:
    """The cookie of a line; None for one without a name, which no session is kept in. Raises ImportProblem."""
    fields = line.split("\t")
    if len(fields) != _FIELDS:
        raise ImportProblem(
            f"line {number} is no line of a cookies.txt: it needs seven fields parted by tabs, not by blanks (copied "
            "text may have lost its tabs: import the file itself)"
        )
    domain, subdomains, _, _, expires, name, value = fields
    ends = _seconds(expires)
    if ends is None:
        raise ImportProblem(f"line {number} is no line of a cookies.txt: its fifth field is no time in Unix seconds")
    if not name:
        return None
    return FileCookie(domain.lower().lstrip("."), subdomains.upper() == "TRUE", name, value, ends)


def _seconds(text: str) -> int | None:
    """A number of whole seconds; 0 where nothing is said; None when it is no number."""
    try:
        found = float(text) if text.strip() else 0.0
    except ValueError:
        return None
    return int(found) if len(text) <= _DIGITS and abs(found) < _LONGEST else None
