"""Who serves a request that names no model: an upload, a moderation by whatever model. Pure."""

from collections.abc import Mapping
from typing import Final

from addons.errors import GatewayError
from addons.routing.model_index import ModelRoute
from providers.contract.passed_on import PassedRequest
from providers.contract.provider import AnyProvider, Model

NO_MODEL: Final = Model("", "", vision=None, tools="unknown")


def routes_without_model(request: PassedRequest, providers: Mapping[str, AnyProvider]) -> list[ModelRoute]:
    """The route to the provider that has what the request names, or that it names itself, or that alone serves it.

    Raises GatewayError (400) where that is none, or cannot be told.
    """
    able = [name for name, provider in providers.items() if provider.serving(request) is not None]
    if request.only_at is not None:
        return [ModelRoute(request.only_at[0], NO_MODEL)]
    if request.provider:
        able = [name for name in able if name.casefold() == request.provider.strip().casefold()]
        if not able:
            raise _refused(f"provider {request.provider[:100]!r} is none of this gateway that serves {request.kind}.")
    if not able:
        raise _refused(
            f"no provider of this gateway serves {request.kind}. An official API that has them is told of them in "
            "config.yaml: operations of an openai_compatible provider."
        )
    if len(able) > 1:
        raise _refused(
            f"{request.kind} are served by {', '.join(able)}: name one of them in the header x-glassgate-provider, or "
            "one of its models in `model`."
        )
    return [ModelRoute(able[0], NO_MODEL)]


def _refused(message: str) -> GatewayError:
    return GatewayError(400, message, code="provider_unclear", param="provider")
