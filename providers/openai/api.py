"""The calls to an API of the OpenAI form, what its refusals mean, and what was learnt of it (models, names, fields)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urljoin

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.sealed import Value
from providers.contract.session import Session
from providers.contract.steps import Answer, Steps
from providers.formats.jsontext import loads
from providers.official.errors import classify
from providers.official.model_table import joined, model_of, renamed
from providers.official.prices import priced
from providers.openai.address import advice, meant
from providers.openai.learnt import Learnt
from providers.openai.models import built_in, read_list
from providers.openai.options import OpenAIOptions
from providers.openai.presets import PRESETS


@lru_cache(maxsize=256)
def _address(base_url: str, path: str) -> str:
    """The path taken from base_url; there are few, each for many calls."""
    return urljoin(base_url + "/", path)


class OpenAIApi:
    """The calls to one configured API, and the facts learnt of it."""

    def __init__(self, name: str, options: OpenAIOptions) -> None:
        preset = options.known()
        self.name, self.options = name, options
        self.form = options.form()
        self.learnt = Learnt()
        self._preset = replace(preset, owned_by=preset.owned_by or name)  # an address alone says nobody's name
        known = built_in(self._preset)
        named = renamed(options.models, known.values(), self._preset.owned_by) if options.models else known
        self._known = priced(named, preset.prices)
        self.models: Mapping[str, Model] = self._known
        """Public id → model."""

    def model(self, public: str) -> Model:
        """The model as far as it is known; one that nobody has heard of is the API's own business."""
        return model_of(self.models, public)

    # -- calls ----------------------------------------------------------------------------------------------------
    def post(
        self,
        path: str,
        session: Session,
        body: bytes,
        *,
        accept: str,
        content_type: str = "application/json",
        more: Sequence[tuple[str, str]] = (),
    ) -> Call:
        """`more`: headers of the client's own; none goes over one of the gateway's, the account's or config.yaml's."""
        headers = (*self._headers(session, accept=accept), ("Content-Type", content_type))
        if more:
            known = {name.lower() for name, _ in headers}
            headers += tuple((name, value) for name, value in more if name not in known)
        return Call("POST", _address(self.options.base_url, path), headers, body)

    def ask(self, method: str, path: str, session: Session, *, accept: str) -> Call:
        """A call without a body, to a path with an id in it."""
        url = urljoin(self.options.base_url + "/", path)
        return Call(method, url, self._headers(session, accept=accept))

    def models_call(self, session: Session, base_url: str) -> Call:
        url = urljoin(base_url + "/", self.form.models_path)
        return Call("GET", url, self._headers(session, accept="application/json"))

    def _headers(self, session: Session, *, accept: str) -> tuple[tuple[str, Value], ...]:
        """The key in its place, sealed; then the account's own headers, then those of config.yaml."""
        headers: list[tuple[str, Value]] = [("Accept", accept), ("User-Agent", "glassgate")]
        own = {name.removeprefix("header:"): name for name in session.names if name.startswith("header:")}
        key = next((name for name in ("api_key", "token") if session.has(name)), None)
        if key is not None and "authorization" not in map(str.lower, own):
            headers.append(("Authorization", "Bearer " + session.seal(key)))
        headers += [(header, session.seal(name)) for header, name in own.items()]
        return (*headers, *self.options.headers.items())

    # -- models, and the address they are asked for at ----------------------------------------------------------------
    def learn_models(self, session: Session) -> Steps[None]:
        answer = yield self.models_call(session, self.options.base_url)
        operations = self.options.served()
        live = read_list(loads(answer.body), self._preset, operations) if answer.status == 200 else None
        if live is None:
            error = self.classified(answer)
            if error.kind is ErrorKind.MISCONFIGURED or error.site_code == "web_page":
                yield from self.find_address(session, error)
            if error.kind is ErrorKind.MISCONFIGURED:
                error = ProviderError(ErrorKind.PROVIDER_DOWN, f"The API has none (status {answer.status}).")
            raise error
        self.models = priced(joined(self._known, live), self._preset.prices)

    def find_address(self, session: Session, error: ProviderError) -> Steps[None]:
        """Looks for the API when nothing answers at base_url. Raises ProviderError when one does where it is likely
        meant."""
        right = self.meant()
        if right is None or self.form.models_path.startswith("/"):
            return
        answer = yield self.models_call(session, right)
        if answer.status in (200, 401, 403) and self.is_of_an_api(answer):
            told = f"There is no API at {self.options.base_url}. {advice(self.name, self.options.base_url, right)}"
            raise ProviderError(ErrorKind.MISCONFIGURED, told, status=error.status, credential="key", advised=True)

    def is_of_an_api(self, answer: Answer) -> bool:
        return read_list(loads(answer.body), self._preset) is not None or (
            self.classified(answer).site_code != "web_page"
        )

    def meant(self) -> str | None:
        """The address that is likely meant by base_url, where that is another."""
        return meant(self.options.base_url, [preset.base_url for preset in PRESETS.values()])

    # -- refusals -------------------------------------------------------------------------------------------------
    def classified(self, answer: Answer) -> ProviderError:
        """The meaning of an answer that is none to the request, without advice about the address."""
        return classify(answer.status, answer.headers, answer.body, self.form.error_codes)

    def advised(self, error: ProviderError) -> ProviderError:
        """The error with what to change, where the address can hardly be the API's."""
        if error.site_code == "web_page" and (error.status is None or error.status < 400 or error.status in (404, 405)):
            error.kind = ErrorKind.MISCONFIGURED
        if error.kind is ErrorKind.MISCONFIGURED and error.site_code != "redirect":
            error.message = _joined(error.message, advice(self.name, self.options.base_url, self.meant()))
        return error


def _joined(first: str, second: str) -> str:
    return f"{first if first.endswith(('.', '…', '!', '?')) else first + '.'} {second}"
