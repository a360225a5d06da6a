"""The ways that are compared, and which measures each of them gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.compare import gateways, peers, ways
from benchmarks.compare.way import Start

_ALL: Final = frozenset({"rates", "paced", "models", "connections", "costs", "tools", "start", "held"})
_RATES: Final = frozenset({"rates"})
_PARTS: Final = frozenset({"parts", "start"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A way and the groups of measures that it gets."""

    start: Start
    groups: frozenset[str] = _ALL


WAYS: Final[Mapping[str, Entry]] = {
    "direct": Entry(ways.direct, frozenset({"rates", "paced", "models", "held"})),
    "direct-tls": Entry(ways.direct_tls, _RATES),
    "nginx": Entry(ways.nginx),
    "mitmdump": Entry(ways.mitmdump),
    "mitmdump-json": Entry(ways.mitmdump_json),
    "mitmdump-json-tls": Entry(ways.mitmdump_json_tls, _RATES | {"connections"}),
    "mitmweb-json": Entry(ways.mitmweb_json, _RATES),
    "glassgate": Entry(gateways.official()),
    "glassgate-layers": Entry(gateways.official(listen={"driver": "mitmproxy"}), _ALL - {"tools", "costs"}),
    "glassgate-tls": Entry(gateways.official(tls=True), _RATES | {"connections"}),
    "glassgate-uninspected": Entry(gateways.official(inspect={"body_kb": 0}), _RATES),
    "glassgate-recording": Entry(gateways.official(record={"enabled": True}), _RATES),
    "glassgate-web": Entry(gateways.official(web=True), _RATES),
    "glassgate-10-accounts": Entry(gateways.official(accounts=10), _RATES | {"start"}),
    "glassgate-100-accounts": Entry(gateways.official(accounts=100), _RATES | {"start"}),
    "glassgate-1000-accounts": Entry(gateways.official(accounts=1000), _RATES | {"start"}),
    "glassgate-nothing": Entry(gateways.official(**gateways.NOTHING), _PARTS),
    "glassgate-everything": Entry(gateways.official(**gateways.EVERYTHING), _PARTS),
    "glassgate-messages": Entry(gateways.dialect("anthropic", "/v1/messages", type="anthropic"), _RATES),
    "glassgate-messages-chat": Entry(
        gateways.dialect("anthropic", "/v1/messages", type="openai_compatible", operations=["chat"]), _RATES
    ),
    "glassgate-responses": Entry(
        gateways.dialect("responses", "/v1/responses", type="openai_compatible", operations=["chat", "responses"]),
        _RATES,
    ),
    "glassgate-responses-chat": Entry(
        gateways.dialect("responses", "/v1/responses", type="openai_compatible", operations=["chat"]), _RATES
    ),
    "glassgate-zai": Entry(gateways.zai(create_chat=True), _ALL - {"tools"}),
    "glassgate-zai-nochat": Entry(gateways.zai(create_chat=False), _ALL - {"tools"}),
    "litellm": Entry(peers.litellm),
    "portkey": Entry(peers.portkey, _ALL - {"models"}),
    "ccr": Entry(peers.claude_code_router, _ALL - {"models"}),
}
