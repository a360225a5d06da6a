"""Any official API of the OpenAI form, used with a key. What is special about the known ones is data: presets.py.

The answer passes through the same events as every provider's, so an official API can stand in for a web session of the
same models; whatever has no event of its own travels on under its own name.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final
from urllib.parse import urljoin

from providers.contract.chat import ChatRequest
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import (
    Answer,
    Call,
    Credentials,
    Decoder,
    Identity,
    Model,
    Moment,
    ObservedExchange,
    Provider,
    Session,
    Steps,
)
from providers.contract.sealed import Value
from providers.formats.jsontext import loads
from providers.formats.pages import is_mitigated
from providers.openai.address import advice, meant, without_endpoint
from providers.openai.captured_session import extract, missing
from providers.openai.choice import Reading
from providers.openai.decoder import OpenAIDecoder
from providers.openai.errors import classify
from providers.openai.learnt import Learnt, refused_fields
from providers.openai.models import built_in, joined, read_list, renamed
from providers.openai.options import OpenAIOptions
from providers.openai.presets import PRESETS
from providers.openai.request import completion_request, tool_names, wire_request

_NO_ANSWERS: Final = ("image/", "audio/", "video/", "font/", "multipart/", "application/pdf", "application/zip",
                      "application/grpc", "application/x-protobuf", "application/wasm")  # fmt: skip
"""Content types that are surely no chat answer. Of all others the body's first characters tell: servers name their
streams text/html, application/octet-stream or nothing at all."""

_OF_THE_REQUEST: Final = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.MODEL_UNAVAILABLE, ErrorKind.PROVIDER_DOWN})
"""What a refusal of a field may be taken for."""
_KEY: Final = re.compile(r"[\x21-\x7e]+")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]+")


class OpenAICompatible(Provider[OpenAIOptions]):
    """`native` None: every field of a request is the API's own business."""

    type_name: ClassVar[str] = "openai_compatible"
    Options: ClassVar[type[OpenAIOptions]] = OpenAIOptions
    native: ClassVar[frozenset[str] | None] = None
    web_session: ClassVar[bool] = False

    def __init__(self, name: str, options: OpenAIOptions) -> None:
        super().__init__(name, options)
        preset = options.known()
        self._preset = replace(preset, owned_by=preset.owned_by or name)  # an address alone says nobody's name
        self._form = options.form()
        known = built_in(self._preset)
        self._known = renamed(options.models, known.values(), self._preset.owned_by) if options.models else known
        self._models: Mapping[str, Model] = self._known
        self._learnt = Learnt()
        self.completes = self._form.completions_path is not None

    # -- models ---------------------------------------------------------------------------------------------------
    def models(self) -> Mapping[str, Model]:
        return self._models

    def list_models(self, session: Session, moment: Moment) -> Steps[None] | None:
        return None if self.options.models else self._list_models(session)

    def _list_models(self, session: Session) -> Steps[None]:
        answer = yield self._models_call(session, self.options.base_url)
        live = read_list(loads(answer.body), self._preset) if answer.status == 200 else None
        if live is None:
            error = self._classified(answer)
            if error.kind is ErrorKind.MISCONFIGURED or error.site_code == "web_page":
                yield from self._find_address(session, error)
            if error.kind is ErrorKind.MISCONFIGURED:
                error = ProviderError(ErrorKind.PROVIDER_DOWN, f"The API has none (status {answer.status}).")
            raise error
        self._models = joined(self._known, live)

    def _models_call(self, session: Session, base_url: str) -> Call:
        url = urljoin(base_url + "/", self._form.models_path)
        return Call("GET", url, self._headers(session, accept="application/json"))

    def _find_address(self, session: Session, error: ProviderError) -> Steps[None]:
        """Nothing answers at base_url. Raises ProviderError when an API does where it is likely meant to be."""
        right = self._meant()
        if right is None or self._form.models_path.startswith("/"):
            return
        answer = yield self._models_call(session, right)
        if answer.status in (200, 401, 403) and self._is_of_an_api(answer):
            told = f"There is no API at {self.options.base_url}. {advice(self.name, self.options.base_url, right)}"
            raise ProviderError(ErrorKind.MISCONFIGURED, told, status=error.status, credential="key", advised=True)

    def _is_of_an_api(self, answer: Answer) -> bool:
        return read_list(loads(answer.body), self._preset) is not None or (
            self._classified(answer).site_code != "web_page"
        )

    def _meant(self) -> str | None:
        return meant(self.options.base_url, [preset.base_url for preset in PRESETS.values()])

    def doubts(self) -> tuple[str, ...]:
        base_url = self.options.base_url
        right = self._meant() if without_endpoint(base_url) is not None else None
        return (advice(self.name, base_url, right),) if right else ()

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, material: Credentials) -> tuple[str, ...]:
        return missing(material)

    def identify(self, session: Session, moment: Moment) -> Steps[Identity]:
        """The list of models shows whether the key is taken; whose it is, no such API says."""
        answer = yield self._models_call(session, self.options.base_url)
        error = self._classified(answer)
        if answer.status == 200 and self._is_of_an_api(answer):
            return Identity("")
        if error.kind is not ErrorKind.MISCONFIGURED and error.site_code != "web_page":
            raise error
        yield from self._find_address(session, error)
        return Identity("", proven=False)  # an API without a list is asked in vain, and says nothing of the key

    # -- a chat ---------------------------------------------------------------------------------------------------
    def read_session(self, account: str, material: Credentials) -> Session:
        secrets = [secret for secret in (material.api_key, material.token) if secret]
        if not secrets and not material.headers:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                "The stored session holds no api_key.",
                credential="key",
            )
        if not all(map(_KEY.fullmatch, secrets)) or not all(map(_HEADER_VALUE.fullmatch, material.headers.values())):
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                "The stored key holds a blank, a line end or a letter that no key has.",
                credential="key",
            )
        return Session(self.name, account, tuple(material.values()))

    def build(self, chat: ChatRequest, session: Session, prepared: object, moment: Moment) -> Call:
        model, path = self._model(chat.model), self._form.chat_path
        if chat.completion is not None and self._form.completions_path is not None:
            request = completion_request(chat, model, self._form, self._learnt)
            path = self._form.completions_path
        else:
            request = wire_request(chat, model, self._form, self._learnt)
        accept = "text/event-stream" if request.stream else "application/json"
        headers = (*self._headers(session, accept=accept), ("Content-Type", "application/json"))
        return Call("POST", self._url(path), headers, request.body)

    def decoder(self, chat: ChatRequest, prepared: object) -> Decoder:
        reading = Reading(
            legacy=bool(chat.extra.get("functions")) and not chat.tools,
            tools=tool_names(chat),
            heard=lambda name: self._learnt.heard(chat.model, name),
        )
        form = self._form if chat.completion is None else replace(self._form, think_tags="none")
        return OpenAIDecoder(form, stream=chat.stream, candidates=chat.n, reading=reading, told=self._told)

    def is_answer(self, status: int, headers: Mapping[str, str], chat: ChatRequest) -> bool:
        form = headers.get("content-type", "").partition(";")[0].strip().lower()
        return (
            200 <= status < 300
            and status not in (204, 205)
            and not form.startswith(_NO_ANSWERS)
            and not is_mitigated(headers)
        )

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        error = self._told(self._classified(Answer(status, headers, body)))
        if error.kind in _OF_THE_REQUEST and status in (400, 422):
            error.refused = refused_fields(body)
        return error

    def _classified(self, answer: Answer) -> ProviderError:
        """What an answer that is no chat answer means, without advice about the address."""
        return classify(answer.status, answer.headers, answer.body, self._form.error_codes)

    def _told(self, error: ProviderError) -> ProviderError:
        """With what to change, where the address can hardly be the API's."""
        if error.site_code == "web_page" and (error.status is None or error.status < 400 or error.status in (404, 405)):
            error.kind = ErrorKind.MISCONFIGURED
        if error.kind is ErrorKind.MISCONFIGURED and error.site_code != "redirect":
            error.message = _joined(error.message, advice(self.name, self.options.base_url, self._meant()))
        return error

    def recover(self, error: ProviderError, session: Session, moment: Moment) -> Steps[None] | None:
        """The same request without what the gateway put into it and the API does not take."""
        return self._without(error.model, error.refused) if error.refused else None

    def _without(self, model: str, fields: frozenset[str]) -> Steps[None]:
        self._learnt.refuses(model, fields)
        yield from ()

    def buffers(self, chat: ChatRequest) -> bool:
        """True for a whole answer, and where text is held back until it is clear whether it is reasoning."""
        return not chat.stream or self._form.think_tags == "implicit"

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _url(self, path: str) -> str:
        return urljoin(self.options.base_url + "/", path)

    def _headers(self, session: Session, *, accept: str) -> tuple[tuple[str, Value], ...]:
        """The key in its place, sealed; then the account's own headers, then those of config.yaml."""
        headers: list[tuple[str, Value]] = [("Accept", accept), ("User-Agent", "glassgate")]
        own = {name.removeprefix("header:"): name for name in session.names if name.startswith("header:")}
        key = next((name for name in ("api_key", "token") if session.has(name)), None)
        if key is not None and "authorization" not in map(str.lower, own):
            headers.append(("Authorization", "Bearer " + session.seal(key)))
        headers += [(header, session.seal(name)) for header, name in own.items()]
        return (*headers, *self.options.headers.items())

    def _model(self, public: str) -> Model:
        found = self._models.get(public)
        if found is None:
            folded = public.casefold()
            found = next((model for name, model in self._models.items() if name.casefold() == folded), None)
        return found or Model(public, public, tools="native")


def _joined(first: str, second: str) -> str:
    return f"{first if first.endswith(('.', '…', '!', '?')) else first + '.'} {second}"
