"""The LongCat session: the sign-in is the cookie passport_token_key; a token given alone is taken for its value.

Either may hold more than the value, as people paste it: the pair `passport_token_key=…`, or all cookies.
"""

import re
from dataclasses import replace
from typing import Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import Value, joined
from providers.contract.session import Credentials, Session
from providers.longcat import data

_VALUE: Final = re.compile(r"[!#-&(-+\--:<-~]+")
"""A cookie's value: neither white space nor quotes, commas or semicolons."""
_PAIR: Final = re.compile(r" *[\w.-]+=[!-:<-~]* *", re.ASCII)


def read_session(provider: str, account: str, credentials: Credentials) -> Session:
    """The session of an account. Raises ProviderError(SESSION_EXPIRED) when its secrets cannot serve."""
    form = _form(credentials.cookies.get(data.PASSPORT) or credentials.token or "")
    if not form:
        raise ProviderError(
            ErrorKind.SESSION_EXPIRED,
            f"The stored LongCat session has no usable cookie {data.PASSPORT}. Sign in at {data.BASE_URL} in your "
            "browser and store all cookies of the page.",
        )
    names = tuple(name for name, value in credentials.values().items() if value)
    return Session(provider, account, names, {"passport": form})


def cookies_of(session: Session) -> Value:
    """All cookies the browser sends, the sign-in first, which may have been given as a token or as a list already."""
    held = f"cookie:{data.PASSPORT}"
    sign_in = session.seal(held if session.has(held) else "token")
    if session.facts["passport"] == "value":
        sign_in = f"{data.PASSPORT}=" + sign_in
    others = tuple(name for name in session.names if name != held)
    return joined("; ", (sign_in, replace(session, names=others).cookie_header()))


def _form(passport: str) -> str:
    """`cookies` for a list of cookies with the sign-in among them, `value` for its value alone, nothing for neither."""
    pairs = passport.rstrip("; ").split(";")
    values = [pair.strip().partition("=")[2] for pair in pairs if pair.strip().startswith(f"{data.PASSPORT}=")]
    if values:
        whole = all(_PAIR.fullmatch(pair) for pair in pairs) and all(_VALUE.fullmatch(value) for value in values)
        return "cookies" if whole else ""
    return "value" if _VALUE.fullmatch(passport) else ""
