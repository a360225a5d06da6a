"""The key of an API of the Messages form: whether it is taken, and how it is found in a call of the person's own."""

from providers.anthropic.api import AnthropicApi
from providers.anthropic.models import read_list
from providers.contract.errors import ErrorKind
from providers.contract.session import Credentials, Identity, ObservedExchange, Session
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment, Steps
from providers.formats.jsontext import loads
from providers.official.key import extract, missing


class KeySignIn(SignIn):
    """The SignIn by a key."""

    def __init__(self, api: AnthropicApi) -> None:
        super().__init__(api.options.base_url)
        self._api = api

    def identify(self, session: Session, now: Moment) -> Steps[Identity]:
        """The list of models shows whether the key is taken; whose it is, no such API says."""
        api = self._api
        answer = yield api.models_call(session)
        if answer.status == 200 and read_list(loads(answer.body), api.preset) is not None:
            return Identity("")
        error = api.classified(answer)
        if error.kind is not ErrorKind.MISCONFIGURED and error.site_code != "web_page":
            raise error
        if api.meant() is not None:
            raise api.advised(error)
        return Identity("", proven=False)  # an API without a list is asked in vain, and says nothing of the key

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        return missing(credentials)
