"""LongCat's web chat (longcat.chat), used with the cookies of the person's own sign-in. Experimental.

The page signs its calls (H5guard); we do not. Where the site insists, the error names the browser and the official API.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from providers.contract.operation import Operation
from providers.contract.provider import Model, Provider, ProviderOptions
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.longcat import data
from providers.longcat.api import LongCatApi
from providers.longcat.chat import NATIVE, LongCatTurn
from providers.longcat.line import cookies_of_line
from providers.longcat.options import LongCatOptions
from providers.longcat.session import read_session
from providers.longcat.sign_in import LongCatSignIn
from providers.longcat.uploads import LongCatUploads


class LongCat(Provider[LongCatOptions]):
    """The provider of LongCat's web chat."""

    type_name: ClassVar[str] = "longcat"
    Options: ClassVar[type[ProviderOptions]] = LongCatOptions

    def __init__(self, name: str, options: LongCatOptions) -> None:
        super().__init__(name, options)
        self._api = LongCatApi(options)
        self.operations = {ChatRequest: Operation(NATIVE, partial(LongCatTurn, self._api))}
        self.sign_in = LongCatSignIn(self._api)
        self.uploads = LongCatUploads(self._api)

    @classmethod
    def session_of_line(cls, line: str) -> tuple[str, dict[str, str]] | None:
        cookies = cookies_of_line(line)
        return (cookies[data.PASSPORT], cookies) if cookies is not None else None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Credentials | None:
        token = environ.get("LONGCAT_PASSPORT_TOKEN")
        return Credentials(cookies={data.PASSPORT: token}) if token else None

    def models(self) -> Mapping[str, Model]:
        return self._api.models

    def read_session(self, account: str, credentials: Credentials) -> Session:
        return read_session(self.name, account, credentials)
