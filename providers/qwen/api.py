"""Qwen's calls, and what was learnt of the site: its models and its page's version."""

import re
from typing import Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Steps
from providers.formats.jsontext import loads
from providers.qwen import data
from providers.qwen.errors import not_outdated, refusal
from providers.qwen.models import Catalogue, CatalogueEntry, read_live
from providers.qwen.options import QwenOptions
from providers.qwen.request import PageHeaders
from providers.qwen.session import VERSION_FACT
from providers.shared.page_version import PageVersion

_VERSION: Final = re.compile(rb"/qwen-chat-fe/(\d{1,4}\.\d{1,4}\.\d{1,4})/")
"""Where the page's scripts lie: seen with 0.2.7 to 0.3.12 (2026-03 to 2026-10)."""


class QwenApi:
    """The calls to Qwen of one configured provider, and the facts learnt of the site."""

    def __init__(self, options: QwenOptions) -> None:
        given = {public: (ids,) if isinstance(ids, str) else tuple(ids) for public, ids in options.model_ids.items()}
        self.options = options
        self._aliases = {**data.ALIASES, **given}
        self.catalogue = Catalogue(self._aliases)
        self.page = PageHeaders(
            data.BASE_URL, PageVersion(options.client_version), options.user_agent, {**data.HEADERS, **options.headers}
        )

    def choice(self, public: str, *, drawing: bool = False) -> CatalogueEntry:
        """Who answers to a model's name, or draws for it. Raises ProviderError(MODEL_UNAVAILABLE)."""
        found = self.catalogue.choices.get(public)
        if found is not None and drawing:
            found = self.catalogue.choices.get(found.model.draws_as)
        if found is None:
            what = "model that draws as" if drawing else "model"
            raise ProviderError(ErrorKind.MODEL_UNAVAILABLE, f"Qwen has no {what} {public[:100]!r}.", param="model")
        return found

    def draws(self, chat: ChatRequest) -> bool:
        """Whether a picture is asked for: by the name of the model, or else."""
        known = self.catalogue.choices.get(chat.model)
        return chat.drawing is not None or (known is not None and known.image)

    def learn_models(self, session: Session, now: Moment) -> Steps[None]:
        """GET /api/models, else the newer path; the built-in list stays where neither gives models."""
        error: ProviderError | None = None
        for path in ("/api/models", "/api/v2/models/"):
            answer = yield self.call("GET", path, session, now)
            live = read_live(loads(answer.body)) if answer.status < 300 else None
            if live:
                self.catalogue = Catalogue(self._aliases, live)
                return
            error = error or refusal(answer.status, answer.headers, answer.body)
        assert error
        raise error

    def learn_version(self, error: ProviderError, session: Session, asked: Moment) -> Steps[None]:
        """Reads the page's client version. Raises when it cannot be read, or is the one that was refused."""
        ours = {"accept": "text/html", "user-agent": self.page.user_agent, **self.page.others}
        page = Call("GET", f"{self.options.base_url}/", tuple(session.as_browser(ours).items()))
        own = session.facts.get(VERSION_FACT, "")
        match (yield from self.page.versions.learn(page, _VERSION, own, asked)):
            case "unknown":
                raise error
            case "same":
                raise not_outdated(error)

    def call(
        self,
        method: str,
        path: str,
        session: Session,
        now: Moment,
        *,
        body: bytes = b"",
        referer: str = "/",
        base: str | None = None,
    ) -> Call:
        headers = self.page.on(session, now, referer=referer)
        return Call(method, (base or self.options.base_url) + path, tuple(headers.items()), body)
