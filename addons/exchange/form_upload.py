"""A client's form that is passed on while it comes: what it asks is read out of its beginning, the rest goes by.

A small form is read whole: then all that follows a failure can follow it. What has come before it is known whom to ask
is kept for that too, and nothing of the rest is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from addons.dialects.base import Dialect, ParsedRequest, Uploading
from addons.dialects.form import is_form
from addons.dialects.form_beginning import Came, FormBeginning
from addons.dialects.routed_head import RoutedHead
from addons.dialects.routes import Route
from addons.errors import GatewayError
from addons.exchange.context import Context
from addons.routing.without_model import routes_without_model
from addons.upstream.upload import Upload
from providers.contract.passed_on import PassedRequest
from providers.contract.provider import AnyProvider
from providers.contract.requests import ModelRequest

WHOLE_BYTES: Final = 1024 * 1024
"""A form up to this size is read whole."""
_TOLD: Final = frozenset({"model", "provider"})
"""Fields by which it is known whom to ask."""


@dataclass(slots=True)
class FormUpload:
    """The UploadReading (addons/stream/port.py) of one form. `said_bytes`: its length, where the head says that."""

    context: Context
    dialect: Uploading
    head: RoutedHead
    said_bytes: int | None
    enough: int
    """Up to so many bytes it is not looked at."""
    parsed: ParsedRequest | None = None
    """What it asks, once its rest is passed on."""
    upload: Upload | None = None
    begun_bytes: int = 0
    """Of what was read before that."""
    _reading: FormBeginning = field(init=False)
    _came: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        """Raises GatewayError (400) where the content type is none of a form."""
        self._reading = FormBeginning(self.head.headers["content-type"])

    # -- the UploadReading --------------------------------------------------------------------------------------------
    def feed(self, data: bytes) -> bool | None:
        if self.enough:
            self._came += data
            if len(self._came) <= self.enough:
                return None
            data, self._came, self.enough = bytes(self._came), bytearray(), 0
        match self._reading.feed(data):
            case Came.WAITS:
                return None
            case Came.TO_BE_WHOLE:
                return False
            case Came.AT_FILE:
                return self._begins()

    def goes_on(self, upload: Upload) -> None:
        self.upload = upload

    def rest(self, data: bytes) -> None:
        self._reading.rest(data, _TOLD)

    def end(self) -> None:
        self._reading.end()

    def _begins(self) -> bool:
        """Whether those who serve what is asked take it as it is. That nobody serves it, is said at once."""
        form = self._reading.form
        assert form is not None
        try:
            self._reading.rest(b"", _TOLD)
            parsed = self.dialect.begun(form, self.head)
            if not all(takes_as_it_is(provider, parsed.request) for provider in self._serving(parsed.request)):
                return False
        except GatewayError:
            return False
        self.parsed, self.begun_bytes = parsed, len(form.body)
        return True

    def _serving(self, request: ModelRequest) -> list[AnyProvider]:
        """The providers of the model. Raises GatewayError where none is named, and it is not known who is meant."""
        providers = self.context.providers
        if isinstance(request, PassedRequest) and not request.model:
            routes = routes_without_model(request, providers)
        else:
            routes = list(self.context.index().find(request.model))
        return [providers[route.provider] for route in routes]

    # -- what became of it ----------------------------------------------------------------------------------------
    @property
    def more_bytes(self) -> int | None:
        """What follows behind the beginning; None where nobody knows how much."""
        return self.said_bytes - self.begun_bytes if self.said_bytes is not None else None

    @property
    def is_spent(self) -> bool:
        """Something of the rest went out: no other attempt can have it."""
        return self.upload is not None and self.upload.is_spent

    @property
    def came_bytes(self) -> int:
        """Of the whole form, as far as it was passed on."""
        return self.begun_bytes + (self.upload.handed_bytes if self.upload is not None else 0)


def form_upload(
    context: Context,
    dialect: Dialect,
    route: Route | None,
    head: RoutedHead,
    request: Mapping[str, str],
    *,
    packed: bool,
) -> FormUpload | None:
    """What reads a form that may be passed on while it comes; None for any other body. `request`: the head's fields,
    checked; `packed`: the body is compressed."""
    if route is None or not route.uploads or packed or not isinstance(dialect, Uploading):
        return None
    said, enough = request.get("content-length"), min(WHOLE_BYTES, context.limits.body_bytes // 2)
    if not is_form(b"", head.headers.get("content-type", "")) or (said is not None and int(said) <= enough):
        return None
    try:
        return FormUpload(context, dialect, head, int(said) if said is not None else None, enough)
    except GatewayError:
        return None  # it is said once the body was read


def takes_as_it_is(provider: AnyProvider, request: ModelRequest) -> bool:
    """Whether the provider takes a request's body as it is, if it serves the request at all."""
    serving = provider.serving(request)
    return serving is None or (serving.request is request and not provider.web_session)
