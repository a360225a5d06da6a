"""Netscape's cookies.txt, as extensions of browsers and curl write it. Pure; the clock is passed in."""

import re
from typing import Final

from addons.importing.problem import Found, ImportProblem, Stored

_HTTP_ONLY: Final = "#HttpOnly_"
_FIELDS: Final = 7
_SECONDS: Final = re.compile(r"-?[0-9]{1,15}")


def read_cookies(data: str, now: float) -> Found:
    """The cookies that have not ended. Raises ImportProblem."""
    found, ended = [], 0
    for number, raw in enumerate(data.splitlines(), 1):
        line = raw.removeprefix(_HTTP_ONLY)
        if not line.strip() or (line.startswith("#") and line == raw):
            continue
        fields = line.split("\t")
        if len(fields) != _FIELDS or not _SECONDS.fullmatch(fields[4].strip()):
            raise ImportProblem(f"line {number} is no line of a cookies.txt: it needs seven fields parted by tabs")
        domain, subdomains, _, _, expires, name, value = fields
        cookie = Stored(domain.lower().lstrip("."), subdomains.upper() == "TRUE", name, value, int(expires))
        if 0 < cookie.expires <= now:
            ended += 1
        else:
            found.append(cookie)
    if not found and not ended:
        raise ImportProblem("this cookies.txt holds no cookie")
    return Found("cookies.txt", cookies=tuple(found), note=f"{ended} cookies have ended" if ended else "")
