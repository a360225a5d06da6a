"""K2Think's calls: the headers all of them have, and the site's list of models, as far as it is known."""

from collections.abc import Mapping, Sequence
from typing import Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.sealed import Value
from providers.contract.session import Session
from providers.contract.steps import Steps
from providers.formats.jsontext import loads
from providers.k2think import data
from providers.k2think.errors import refusal
from providers.k2think.models import LiveModel, catalogue, read_live
from providers.k2think.options import K2ThinkOptions

TOKEN_NAMES: Final = ("token", "cookie:token")
"""Where the token may be kept: as such, or as the cookie of that name."""


class K2ThinkApi:
    """The calls to K2Think of one configured provider, and its models as far as known."""

    def __init__(self, options: K2ThinkOptions) -> None:
        given = {public: (ids,) if isinstance(ids, str) else tuple(ids) for public, ids in options.model_ids.items()}
        self.options = options
        self.headers = {**data.HEADERS, **{key.lower(): value for key, value in options.headers.items()}}
        self._known = {**data.MODELS, **{public: ids for public, ids in given.items() if ids}}
        self.catalogue = catalogue(self._known, ())
        """Public id → model."""

    def model(self, public: str) -> Model:
        """Raises ProviderError(MODEL_UNAVAILABLE)."""
        found = self.catalogue.get(public)
        if found is None:
            message = f"K2Think has no model {public[:100]!r}."
            raise ProviderError(ErrorKind.MODEL_UNAVAILABLE, message, param="model")
        return found

    def ask_models(self, session: Session) -> Steps[Sequence[LiveModel]]:
        answer = yield self.call("GET", data.MODELS_PATH, session)
        live = read_live(loads(answer.body)) if answer.status == 200 else None
        if live is None:
            raise refusal(answer.status, answer.headers, answer.body)
        return live

    def learn_models(self, session: Session) -> Steps[None]:
        self.catalogue = catalogue(self._known, (yield from self.ask_models(session)))

    def learn_names(self, error: ProviderError, session: Session) -> Steps[None]:
        """Reads the site's list of models. Raises the error again when that changes no name."""
        before = self._names()
        yield from self.learn_models(session)
        if before == self._names():
            raise error

    def _names(self) -> Mapping[str, str]:
        return {public: self.catalogue[public].site_id for public in self._known}

    def call(self, method: str, path: str, session: Session, body: bytes = b"", *, stream: bool = False) -> Call:
        name = next(name for name in TOKEN_NAMES if session.has(name))
        accept = "text/event-stream,application/json" if stream else "application/json"
        named: dict[str, Value] = {"accept": accept, **self.headers, "authorization": "Bearer " + session.seal(name)}
        named = session.as_browser(named)
        if cookies := session.cookie_header():  # those of the edge, which belong to the browser
            named["cookie"] = cookies
        if not body:
            named.pop("content-type", None)
        headers = tuple((header, value) for header, value in named.items() if value)
        return Call(method, self.options.base_url + path, headers, body)
