"""The sign-in to Qwen with e-mail and password, by the newest call or its predecessor.

The password goes as its SHA-256. Sign-in by program often meets the site's check for humans; then the browser is the
way.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import Value
from providers.contract.session import Session, SessionUpdate, given_cookies
from providers.contract.steps import Answer, Steps
from providers.formats.jsontext import loads, mapping, text
from providers.formats.moments import moment_s
from providers.qwen.errors import refusal

NEWEST: Final = "/api/v2/auths/signin"
OLDER: Final = "/api/v1/auths/signin"
_GONE: Final = (404, 405, 410)
_TOKEN_NAMES: Final = ("access_token", "accessToken", "token")
_WRONG: Final = frozenset(
    {"invalidpassword", "invalid_password", "invalidcredentials", "usernotfound", "invalid_email"}
)


def with_password(session: Session, base_url: str, headers: Callable[[], Mapping[str, Value]]) -> Steps[SessionUpdate]:
    """Steps that sign in. Raise ProviderError: SESSION_EXPIRED for a wrong password, CHALLENGE for a check for
    humans."""
    body = {"email": session.seal("email"), "password": session.seal("password_sha256")}
    answer = yield Call("POST", base_url + NEWEST, tuple(headers().items()), body)
    if answer.status in _GONE:
        answer = yield Call("POST", base_url + OLDER, tuple(headers().items()), body)
    return read_sign_in(answer)


def read_sign_in(answer: Answer) -> SessionUpdate:
    """The new session out of the answer. Raises ProviderError."""
    fields = mapping(loads(answer.body))
    data = mapping(fields.get("data"))
    places: tuple[Mapping[str, Any], ...] = (data, mapping(fields.get("result")), fields)
    token = next((text(place.get(name)) for place in places for name in _TOKEN_NAMES if text(place.get(name))), "")
    if answer.status >= 300 or fields.get("success") is False or not token:
        raise _refused(answer, data)
    cookies = dict(given_cookies(answer.set_cookies))
    kept = {name: value for name, value in cookies.items() if name in ("token", "refresh_token")}
    if renewal := text(data.get("refresh_token")):
        kept["refresh_token"] = renewal
    return SessionUpdate(token, kept, moment_s(data.get("expires_at")))


def _refused(answer: Answer, data: Mapping[str, Any]) -> ProviderError:
    if text(data.get("code")).lower() in _WRONG:
        return ProviderError(
            ErrorKind.SESSION_EXPIRED,
            "Qwen does not accept this e-mail and password.",
            site_code=text(data.get("code")),
            status=answer.status,
        )
    return refusal(answer.status, answer.headers, answer.body)
