"""LongCat's calls and models: what all of them have in common."""

from collections.abc import Mapping

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.sealed import Value
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.longcat import data
from providers.longcat.options import LongCatOptions, SwitchOptions
from providers.longcat.session import cookies_of
from providers.shared.suffixes import with_suffixes


class LongCatApi:
    """The calls to LongCat of one configured provider, and its models."""

    def __init__(self, options: LongCatOptions) -> None:
        self.base_url = options.base_url
        self.models = _catalogue(options.models)
        self._headers = {**data.HEADERS, **{key.lower(): value for key, value in options.headers.items()}}

    def model(self, public: str) -> Model:
        """Raises ProviderError(MODEL_UNAVAILABLE)."""
        found = self.models.get(public)
        if found is None:
            raise ProviderError(ErrorKind.MODEL_UNAVAILABLE, f"LongCat has no model {public[:100]!r}.", param="model")
        return found

    def call(
        self,
        method: str,
        path: str,
        session: Session,
        now: Moment,
        body: bytes = b"",
        *,
        page: str = "/t",
        content_type: str = "",
        accept: str = "",
    ) -> Call:
        named: dict[str, Value] = {**self._headers, "referer": data.BASE_URL + page, "m-traceid": _trace_id(now)}
        named |= {name: value for name, value in (("content-type", content_type), ("accept", accept)) if value}
        if not body:
            named.pop("content-type", None)
        named = session.as_browser(named, data.SESSION_HEADERS)
        named["cookie"] = cookies_of(session)
        headers = tuple((name, value) for name, value in named.items() if value)
        return Call(method, self.base_url + path, headers, body)


def _catalogue(own: Mapping[str, SwitchOptions]) -> dict[str, Model]:
    """Public name → model. What the site has instead of a model's name is the agent: that is `site_id`."""
    known: Mapping[str, data.Switches | SwitchOptions] = {**data.MODELS, **own}
    models = {
        name: Model(
            name,
            one.agent_id,
            thinking=one.thinking,
            search=one.search,
            vision=True,
            tools="emulated",
            owned_by="longcat",
        )
        for name, one in known.items()
    }
    variants = with_suffixes([models[name] for name in data.SUFFIXED], data.SUFFIXES)
    return {**variants, **models}


def _trace_id(now: Moment) -> str:
    """A number as text, as the page's tracing sends it."""
    return str(int(now.new_id().replace("-", ""), 16) % 10**19)
