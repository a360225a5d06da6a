"""The sign-in to K2Think with e-mail and password: the token comes in the body, in a cookie, or in both."""

from collections.abc import Mapping

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import Value
from providers.contract.session import Session, SessionUpdate, given_cookies
from providers.contract.steps import Answer, Moment, Steps
from providers.formats.jsontext import loads, mapping, text, whole
from providers.formats.jwt import claims
from providers.formats.moments import moment_s
from providers.k2think.errors import refusal

PATH = "/api/v1/auths/signin"
_REFUSED = frozenset({400, 401, 403, 404, 422})


def with_password(
    session: Session, base_url: str, headers: Mapping[str, Value], moment: Moment
) -> Steps[SessionUpdate]:
    """Steps that sign in. Raise ProviderError: SESSION_EXPIRED for wrong credentials, CHALLENGE for a check for
    humans."""
    body = {"email": session.seal("email"), "password": session.seal("password")}
    answer = yield Call("POST", base_url + PATH, tuple(headers.items()), body)
    fields = mapping(loads(answer.body))
    cookies = dict(given_cookies(answer.set_cookies))
    token = next((t for t in (text(fields.get("token")), cookies.get("token", "")) if claims(t) is not None), "")
    if answer.status >= 300 or not token:
        raise _refused(answer, fields)
    lives_s = whole(fields.get("expires_in"))
    end = moment_s(fields.get("expires_at")) or (moment_s(moment.epoch_ms // 1000 + lives_s) if lives_s else None)
    return SessionUpdate(token, expires_at=end)


def _refused(answer: Answer, fields: Mapping[str, object]) -> ProviderError:
    error = refusal(answer.status, answer.headers, answer.body)
    if error.kind is ErrorKind.CHALLENGE or answer.status not in _REFUSED or not fields:
        return error
    return ProviderError(
        ErrorKind.SESSION_EXPIRED, "K2Think does not accept this e-mail and password.", status=answer.status
    )
