"""Detecting the kind of an import file by its content."""

import codecs
import re
from typing import Final

from addons.importing.contents import FileContents, ImportProblem
from addons.importing.cookies_txt import read_cookies
from addons.importing.curl import read_curl
from addons.importing.flows import read_flows
from addons.importing.har import read_har
from addons.importing.powershell import read_powershell

LIMIT_BYTES: Final = 256 * 1024 * 1024
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Marks of text as shells and editors of Windows may save it."""
_FLOWS: Final = re.compile(rb"^\d{1,10}:")
_COOKIE_LINE: Final = re.compile(r"^(#HttpOnly_)?[^\s#]\S*[ \t]+(TRUE|FALSE)[ \t]", re.IGNORECASE | re.MULTILINE)
_CURL: Final = re.compile(r"\A(\$ )?(\S*[\\/])?curl(\.exe)?\s", re.IGNORECASE)
_POWERSHELL: Final = re.compile(r"\A(\$\w+\s*=|Invoke-(WebRequest|RestMethod)\b)", re.IGNORECASE)
_FETCH: Final = re.compile(r"\A(await\s+)?fetch\(")
_BEARER: Final = re.compile(r"^bearer\s+", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,16384}")


def read(data: bytes, now: float) -> FileContents:
    """The contents of a file of any kind. `now` in Unix seconds. Raises ImportProblem, whatever the bytes."""
    if len(data) > LIMIT_BYTES:
        raise ImportProblem("the file is larger than 256 MB")
    if not data.strip():
        raise ImportProblem("the file is empty")
    if _FLOWS.match(data):
        return read_flows(data)
    try:
        whole = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise ImportProblem("the file is no text and no flow file of mitmproxy") from None
    text = whole.strip()
    if text.startswith("{"):
        return read_har(text)
    if _CURL.match(text):
        return read_curl(text)
    if _POWERSHELL.match(text):
        return read_powershell(text)
    if _FETCH.match(text):
        raise ImportProblem("this request is copied as fetch (JavaScript): copy it as cURL, or export a HAR")
    if text.startswith(("# Netscape HTTP Cookie File", "# HTTP Cookie File")) or _COOKIE_LINE.search(text):
        return read_cookies(whole, now)
    token = _BEARER.sub("", text.strip("\"'"))
    if _TOKEN.fullmatch(token):
        return FileContents("token", token=token)
    raise ImportProblem("this is no HAR, cURL command, cookies.txt, flow file or token")
