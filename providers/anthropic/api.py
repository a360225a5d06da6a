"""The calls to an API of the Messages form, and what was learnt of its models."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlsplit

from providers.anthropic.errors import classify
from providers.anthropic.learnt import Learnt
from providers.anthropic.models import PAGE, built_in, next_page, read_list
from providers.anthropic.options import AnthropicOptions
from providers.anthropic.presets import PRESETS
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.sealed import Value
from providers.contract.session import Session
from providers.contract.steps import Answer, Steps
from providers.formats.jsontext import MODELS_LIMIT, loads
from providers.official.model_table import joined, model_of, renamed
from providers.official.prices import priced

BETA: Final = "anthropic-beta"
_PAGES_LIMIT: Final = 10


class AnthropicApi:
    """The calls to one configured API, and the facts learnt of it."""

    def __init__(self, name: str, options: AnthropicOptions) -> None:
        preset = options.known()
        self.name, self.options = name, options
        self.learnt = Learnt()
        self.preset = replace(preset, owned_by=preset.owned_by or name)  # an address alone says nobody's name
        known = built_in(self.preset)
        named = renamed(options.models, known.values(), self.preset.owned_by) if options.models else known
        self._known = priced(named, preset.prices)
        self.models: Mapping[str, Model] = self._known
        """Public id → model."""

    def model(self, public: str) -> Model:
        """The model as far as it is known; one that nobody has heard of is the API's own business."""
        return model_of(self.models, public)

    # -- calls ----------------------------------------------------------------------------------------------------
    def messages_call(
        self, session: Session, body: bytes, *, stream: bool, of_client: Iterable[tuple[str, str]] = ()
    ) -> Call:
        """The call of a request. `of_client`: headers of the form that the client has sent, names in lower case."""
        said = dict(of_client)
        headers = self._headers(session, said, accept="text/event-stream" if stream else "application/json")
        query = "?beta=true" if said.get(BETA) else ""
        url = f"{self.options.root}/v1/messages{query}"
        return Call("POST", url, (*headers, ("Content-Type", "application/json")), body)

    def models_call(self, session: Session, after: str | None = None) -> Call:
        more = f"&after_id={quote(after, safe='')}" if after else ""
        url = f"{self.options.root}/v1/models?limit={PAGE}{more}"
        return Call("GET", url, self._headers(session, {}, accept="application/json"))

    def _headers(self, session: Session, said: Mapping[str, str], *, accept: str) -> tuple[tuple[str, Value], ...]:
        """The key in its place, sealed; then the account's own headers, then those of config.yaml and the client."""
        headers: list[tuple[str, Value]] = [("Accept", accept)]
        configured = dict(self.options.headers)
        lower = {name.lower() for name in configured}
        if "user-agent" not in lower:
            headers.append(("User-Agent", "glassgate"))
        own = {name.removeprefix("header:"): name for name in session.names if name.startswith("header:")}
        place = self.preset.key_header
        key = next((name for name in ("api_key", "token") if session.has(name)), None)
        if key is not None and not {"authorization", "x-api-key"} & set(map(str.lower, own)):
            sealed = session.seal(key)
            headers.append(("Authorization", "Bearer " + sealed) if place == "authorization" else ("X-Api-Key", sealed))
        headers += [(header, session.seal(name)) for header, name in own.items()]
        headers.append(("anthropic-version", said.get("anthropic-version") or self.options.anthropic_version))
        for name, value in configured.items():
            if name.lower() == BETA and said.get(BETA):
                value = f"{value},{said[BETA]}"
            headers.append((name, value))
        if said.get(BETA) and BETA not in lower:
            headers.append((BETA, said[BETA]))
        return tuple(headers)

    # -- models ---------------------------------------------------------------------------------------------------
    def learn_models(self, session: Session) -> Steps[None]:
        live: list[Model] = []
        after: str | None = None
        for _ in range(_PAGES_LIMIT):
            answer = yield self.models_call(session, after)
            value = loads(answer.body)
            page = read_list(value, self.preset) if answer.status == 200 else None
            if page is None:
                raise self._no_list(answer)
            live += page
            before, after = after, next_page(value)
            if after is None or after == before or len(live) >= MODELS_LIMIT:
                break
        self.models = priced(joined(self._known, live[:MODELS_LIMIT]), self.preset.prices)

    def _no_list(self, answer: Answer) -> ProviderError:
        error = self.classified(answer)
        if error.kind is ErrorKind.MISCONFIGURED:
            return ProviderError(ErrorKind.PROVIDER_DOWN, f"The API has none (status {answer.status}).")
        return error

    # -- refusals -------------------------------------------------------------------------------------------------
    def classified(self, answer: Answer) -> ProviderError:
        """The meaning of an answer that is none to the request, without advice about the address."""
        return classify(answer.status, answer.headers, answer.body)

    def advised(self, error: ProviderError) -> ProviderError:
        """The error with what to change, where the address can hardly be the API's."""
        if error.site_code == "web_page" and (error.status is None or error.status < 400 or error.status in (404, 405)):
            error.kind = ErrorKind.MISCONFIGURED
        if error.kind is ErrorKind.MISCONFIGURED and error.site_code != "redirect":
            error.message = f"{error.message.rstrip('.')}. {self.advice()}"
        return error

    def advice(self) -> str:
        """What to look at in config.yaml where nothing answers."""
        where = f"providers.{self.name}.base_url in config.yaml"
        if (right := self.meant()) is not None:
            return f"base_url should be {right}: change {where} from {self.options.base_url} to {right}"
        return f"Check {where} ({self.options.base_url}); /v1/messages is added to it."

    def meant(self) -> str | None:
        """The known address on the same host, where base_url is another."""
        host = urlsplit(self.options.base_url).netloc.lower()
        found = {preset.base_url for preset in PRESETS.values() if urlsplit(preset.base_url).netloc.lower() == host}
        return next(iter(found)) if len(found) == 1 and self.options.root not in found else None
