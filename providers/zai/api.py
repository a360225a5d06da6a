"""Z.AI's calls, and what was learnt of the site: its models, its page's version, where completions are asked for."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from providers.contract.call import Call
from providers.contract.errors import ProviderError
from providers.contract.provider import Model
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Steps
from providers.formats.jsontext import loads, mapping
from providers.shared.page_version import PageVersion
from providers.zai import data as zai_data
from providers.zai.errors import EDGE_CODE, classify, edge_blocked
from providers.zai.models import LiveModel, catalogue, known_models, read_live
from providers.zai.options import ZaiOptions
from providers.zai.request import PageProfile, browser_headers, page_headers

_VERSION: Final = re.compile(rb"prod-fe-\d{1,9}\.\d{1,9}\.\d{1,9}")
_JSON: Final = ("Content-Type", "application/json")


class ZaiApi:
    """The calls to Z.AI of one configured provider, and the facts learnt of the site."""

    def __init__(self, options: ZaiOptions) -> None:
        self.options = options
        self._version = PageVersion(options.client_version)
        self._known = known_models(options.model_ids)
        self._efforts = {
            model.public + suffix for model in self._known if model.efforts for suffix in ("", *zai_data.SUFFIXES)
        }
        self.completion_path = zai_data.COMPLETION_PATHS["2"]
        self.path_known = False
        always = [model for model in self._known if model.always_thinks]
        self._always_thinking = {model.public + suffix for model in always for suffix in ("", *zai_data.SUFFIXES)}
        self._always_thinking |= {site_id for model in always for site_id in model.ids}  # for other names of theirs
        self._by_name = {name: model for model in self._known for name in (*model.ids, *_with_suffixes(model))}
        live: Sequence[LiveModel] = ()
        self.catalogue: Mapping[str, Model] = catalogue(self._known, live)
        """Public id → model."""

    def always_thinks(self, model: Model) -> bool:
        return not self._always_thinking.isdisjoint((model.id, model.site_id))

    def with_files(self, model: Model) -> zai_data.SiteModel | None:
        """What is known of the model, for a chat with files."""
        return self._by_name.get(model.id) or self._by_name.get(model.site_id)

    def takes_efforts(self, model: Model) -> bool:
        """Whether the site knows `reasoning_effort` of it."""
        return model.id in self._efforts

    def learn_models(self, session: Session) -> Steps[None]:
        answer = yield self.call("GET", "/api/models", session)
        live = read_live(loads(answer.body)) if answer.status == 200 else None
        if live is None:
            raise refused(answer)
        self.catalogue = catalogue(self._known, live)
        yield from self._learn_path(session)

    def learn_other_path(self, error: ProviderError, session: Session) -> Steps[None]:
        """Raises the error where completions are asked for in the place they were."""
        if not (yield from self._learn_path(session)):
            raise error

    def _learn_path(self, session: Session) -> Steps[bool]:
        """Reads where completions are asked for; whether that is another place than before."""
        before = self.completion_path
        settings = yield self.call("GET", "/api/config", session)
        version = mapping(loads(settings.body)).get("completion_version")
        self.completion_path = zai_data.COMPLETION_PATHS.get(str(version), before)
        self.path_known = self.path_known or settings.status == 200
        return self.completion_path != before

    def learn_version(self, error: ProviderError, session: Session, asked: Moment) -> Steps[None]:
        """Reads the page's client version. Raises when it is the one that was refused."""
        headers = (("Accept", "text/html"), *browser_headers(self.page(session), session).items())
        page, own = Call("GET", f"{self.options.base_url}/", headers), session.facts.get("client_version", "")
        if (yield from self._version.learn(page, _VERSION, own, asked)) != "newer":
            raise edge_blocked() if error.site_code == EDGE_CODE else error

    def page(self, session: Session) -> PageProfile:
        options, version = self.options, self._version.of(session.facts.get("client_version", ""))
        sealed = session.header(zai_data.VERSION_HEADER)
        of_browser = {name: session.facts[name] for name in zai_data.QUERY if name in session.facts}
        return PageProfile(
            options.origin,
            sealed if sealed and version == session.facts.get("client_version") else version,
            {**zai_data.HEADERS, **options.headers},
            {**zai_data.QUERY, **of_browser, **options.query},
        )

    def call(self, method: str, path: str, session: Session, body: bytes = b"") -> Call:
        headers = page_headers(self.page(session), session)
        return Call(method, self.options.base_url + path, tuple([*headers, _JSON] if body else headers), body)

    def upload_call(self, path: str, session: Session, content_type: str, body: bytes) -> Call:
        """The call that brings a file; its type is the form's."""
        headers = page_headers(self.page(session), session)
        return Call("POST", self.options.base_url + path, (*headers, ("Content-Type", content_type)), body)


def _with_suffixes(model: zai_data.SiteModel) -> list[str]:
    return [model.public + suffix for suffix in ("", *zai_data.SUFFIXES)]


def refused(answer: Answer) -> ProviderError:
    return classify(answer.status, answer.headers, answer.body)
