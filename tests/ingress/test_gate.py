import pytest
from mitmproxy import http

from addons.config.client_keys import ClientKey, ClientKeys
from addons.dialects import registry
from addons.dialects.body import Reading
from addons.dialects.completions.dialect import Completions
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.routes import GET, POST, Route
from addons.errors import GatewayError
from addons.ingress.gate import GateRules, admit, still_admitted
from addons.ingress.request_head import RequestHead

KEY = "sk-test-1234567890"
KEYS = ClientKeys([ClientKey("ada", KEY), ClientKey("bob", "sk-second-key")])
RULES = GateRules(KEYS, frozenset({"gate.example", "other.example:8443"}))
AUTH = {"authorization": f"Bearer {KEY}"}


def request_head(method: str = "POST", target: str = "/v1/chat/completions", **changes: object) -> RequestHead:
    facts: dict[str, object] = {
        "method": method,
        "target": target,
        "headers": AUTH,
        "absolute_form": False,
        "host": "127.0.0.1:8080",
        "local_address": ("127.0.0.1", 8080),
    }
    return RequestHead(**{**facts, **changes})  # type: ignore[arg-type]


def refusal(attempt: RequestHead, rules: GateRules = RULES) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        admit(attempt, rules)
    return caught.value


@pytest.mark.parametrize(
    ("method", "target", "action", "argument"),
    [
        ("POST", "/v1/chat/completions", "chat_completions", ""),
        ("POST", "/v1/chat/completions/", "chat_completions", ""),
        ("POST", "/v1/completions", "completions", ""),
        ("GET", "/v1/models?all=true", "models", ""),
        ("HEAD", "/v1/models", "models", ""),
        ("GET", "/v1/models/GLM-4.6", "model", "GLM-4.6"),
        ("GET", "/v1/models/MBZUAI-IFM%2FK2-Think", "model", "MBZUAI-IFM/K2-Think"),
        ("GET", "/v1/models/MBZUAI-IFM/K2-Think", "model", "MBZUAI-IFM/K2-Think"),
        ("OPTIONS", "/v1/chat/completions", "options", ""),
        ("POST", "//v1/chat/completions", "chat_completions", ""),
        ("POST", "/v1//chat///completions//", "chat_completions", ""),
        ("POST", "/chat/completions", "chat_completions", ""),
        ("POST", "//chat/completions/", "chat_completions", ""),
        ("POST", "/completions", "completions", ""),
        ("GET", "/models", "models", ""),
        ("GET", "/models/?all=true", "models", ""),
        ("GET", "/models/GLM-4.6", "model", "GLM-4.6"),
        ("GET", "/models/vendor/large/", "model", "vendor/large"),
        ("GET", "/v1/models/GLM-4.6/", "model", "GLM-4.6"),
        ("GET", "/models/vendor%2F%2Flarge", "model", "vendor//large"),
        ("GET", "//healthz/", "health", ""),
        ("GET", "/openapi.json/", "openapi", ""),
        ("GET", "/", "front", ""),
        ("HEAD", "//", "front", ""),
    ],
)
def test_known_paths_are_admitted(method: str, target: str, action: str, argument: str) -> None:
    admission = admit(request_head(method, target), RULES)
    assert (admission.action, admission.head.params.get("id", ""), admission.key) == (action, argument, "ada")


NEARLY = [
    "/v1/../healthz", "/./healthz", "/healthz/..", "/%68ealthz", "/healthz%2F", "/%2Fhealthz", "/healthz;x", "/HEALTHZ",
    "/v1/healthz", "/v1/", "/%2F", "/.", "/..", "/;", "/%00", "/chat", "/v2/chat/completions", "/v1/v1/models",
    "/v1%2Fchat/completions", "/v1/chat%2Fcompletions", "/v1/chat/./completions", "/v1/x/../models", "/\\v1/models",
    "/v1/chat/completions/x", "/models%2Fx", "*", "",
]  # fmt: skip


@pytest.mark.parametrize("target", NEARLY)
def test_nothing_else_is_made_of_a_path(target: str) -> None:
    """Who has no key is told so, and who has one that there is no such path: no way leads to what is open."""
    assert refusal(request_head("GET", target, headers={})).status == 401
    assert refusal(request_head("GET", target)).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize(
    "target",
    ["/v1/chat/completions", "/v1/models", "/unknown", "/v1/models/x", "/models", "//v1//models", "/chat/completions/"],
)
def test_every_path_and_method_wants_the_key_first(method: str, target: str) -> None:
    assert refusal(request_head(method, target, headers={})).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"authorization": "Bearer wrong"}, id="wrong"),
        pytest.param({"authorization": f"Basic {KEY}"}, id="another scheme"),
        pytest.param({"authorization": "Bearer wrong", "x-api-key": "wrong-too"}, id="two, neither ours"),
        pytest.param({"x-api-key": ", ".join(f"wrong-{n}" for n in range(9)) + f", {KEY}"}, id="one of many"),
        pytest.param({"authorization": f"Bearer {KEY} and more"}, id="words behind it"),
        pytest.param({"authorization": f"Bearer {KEY[:-1]}"}, id="cut off"),
        pytest.param({"authorization": ""}, id="empty"),
    ],
)
def test_keys_that_open_nothing(headers: dict[str, str]) -> None:
    error = refusal(request_head(headers=headers))
    assert (error.status, error.code) == (401, "invalid_api_key")
    assert KEY[:-1] not in error.message


def test_the_same_key_in_two_headers_is_one_key() -> None:
    assert admit(request_head(headers={**AUTH, "x-api-key": KEY}), RULES).key == "ada"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({**AUTH, "x-api-key": "sk-ant-other"}, id="Claude Code's two variables"),
        pytest.param({"authorization": "Bearer sk-ant-other", "x-api-key": KEY}, id="the other way round"),
        pytest.param({"authorization": "Basic dTpw", "api-key": KEY}, id="another scheme beside it"),
        pytest.param({"authorization": "", "x-api-key": KEY}, id="an empty variable"),
        pytest.param({"authorization": "Bearer ", "x-api-key": KEY}, id="a scheme alone"),
        pytest.param({"x-goog-api-key": KEY, "authorization": "Bearer other"}, id="Google's header"),
        pytest.param({"authorization": f"Bearer other, Bearer {KEY}"}, id="a field twice, joined"),
        pytest.param({"x-api-key": f"other,{KEY}"}, id="a list in one field"),
        pytest.param({**AUTH, "x-api-key": "one", "api-key": "two", "x-goog-api-key": "three"}, id="four keys"),
    ],
)
def test_a_key_of_another_service_beside_ours_is_passed_over(headers: dict[str, str]) -> None:
    admission = admit(request_head(headers=headers), RULES)
    assert admission.key == "ada"
    assert still_admitted(admission.identity, RULES)
    assert not still_admitted(admission.identity, GateRules(ClientKeys([ClientKey("ada", "sk-newer")])))
    assert admit(request_head("GET", "/healthz", headers=headers), RULES).key == "ada"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({**AUTH, "x-api-key": "sk-second-key"}, id="two headers"),
        pytest.param({"x-api-key": f"{KEY}, sk-second-key"}, id="one header"),
        pytest.param({**AUTH, "x-api-key": "sk-second-key", "api-key": "other"}, id="and one of somebody"),
    ],
)
def test_two_keys_of_ours_are_nobodys(headers: dict[str, str]) -> None:
    error = refusal(request_head(headers=headers))
    assert (error.status, error.code) == (401, "invalid_api_key")
    assert "two different keys of this gateway (ada and bob)" in error.message
    assert KEY not in error.message
    assert admit(request_head("GET", "/healthz", headers=headers), RULES).key == ""


def test_a_key_may_hold_a_comma() -> None:
    rules = GateRules(ClientKeys([ClientKey("odd", "first, second")]))
    assert admit(request_head(headers={"x-api-key": "first, second"}), rules).key == "odd"


def test_two_names_of_one_key_are_one_key() -> None:
    rules = GateRules(ClientKeys([ClientKey("one", KEY), ClientKey("two", KEY)]))
    assert admit(request_head(), rules).key == "two"


def test_without_a_key_check_nobody_is_anybody() -> None:
    admission = admit(request_head(headers={**AUTH, "x-api-key": "sk-second-key"}), GateRules(None))
    assert admission.key == "anyone"
    assert still_admitted(admission.identity, GateRules(None))
    assert not still_admitted(admission.identity, RULES)


def test_health_is_open_and_says_nothing_else() -> None:
    assert admit(request_head("GET", "/healthz", headers={}), RULES).action == "health"
    assert refusal(request_head("POST", "/healthz", headers={})).status == 401


def test_switched_off_key_check_lets_anyone_in() -> None:
    assert admit(request_head(headers={}), GateRules(None)).key == "anyone"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"target": "/v2/chat"}, 404, id="unknown path"),
        pytest.param({"method": "GET"}, 405, id="wrong method"),
        pytest.param({"absolute_form": True}, 400, id="absolute form"),
        pytest.param({"headers": {**AUTH, "content-encoding": "compress"}}, 415, id="unknown coding"),
        pytest.param({"headers": {**AUTH, "content-encoding": "br, br, br"}}, 415, id="compressed three times"),
        pytest.param({"headers": {**AUTH, "origin": "https://evil.example"}}, 403, id="foreign origin"),
        pytest.param({"host": "evil.example"}, 403, id="foreign host"),
        pytest.param({"host": "127.0.0.1:9999"}, 403, id="wrong port"),
        pytest.param({"host": ""}, 403, id="no host"),
    ],
)
def test_refusals(changes: dict[str, object], status: int) -> None:
    assert refusal(request_head(**changes)).status == status  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8080",
        "127.0.0.1",
        "[::1]:8080",
        "LOCALHOST:8080",
        "gate.example",
        "gate.example:1",
        "other.example:8443",
    ],
)
def test_known_hosts(host: str) -> None:
    admit(request_head(host=host), RULES)


def test_a_wrong_method_says_which_are_right() -> None:
    assert dict(refusal(request_head("DELETE")).headers())["allow"] == "OPTIONS, POST"


def test_a_path_that_is_not_there_is_told_those_that_are() -> None:
    message = refusal(request_head("POST", "/v1/videos")).message
    assert "no POST /v1/videos" in message
    assert "/v1/chat/completions" in message
    assert "without" in message
    assert "{" not in message
    assert len(message) < 500


def test_a_version_said_twice_is_told_how_the_base_url_is_to_be() -> None:
    assert "the base URL without /v1" in refusal(request_head("POST", "/v1/v1/messages")).message


def test_compressed_bodies_are_admitted_with_what_is_to_be_undone() -> None:
    assert admit(request_head(headers={**AUTH, "content-encoding": "gzip, br"}), RULES).codings == ("br", "gzip")
    assert admit(request_head(), RULES).codings == ()


# -- browsers ---------------------------------------------------------------------------------------------------------
APP = "https://app.example"
WEB = GateRules(KEYS, allowed_origins=frozenset({APP}))
ASKED = {"origin": APP, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.mark.parametrize("target", ["/v1/chat/completions", "/chat/completions", "/healthz", "/", "/unknown"])
def test_a_preflight_needs_no_key_and_tells_nothing_of_the_path(target: str) -> None:
    admission = admit(request_head("OPTIONS", target, headers=ASKED), WEB)
    assert (admission.action, admission.key, admission.identity) == ("preflight", "", None)
    assert dict(admission.headers)["access-control-allow-headers"] == "authorization"


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"{APP}, {APP}"},
        {"origin": f"{APP}:443"},
        {"origin": f"{APP}."},
        {"origin": APP.upper()},
        {"origin": ""},
    ],
)
def test_a_preflight_of_another_origin_is_refused_and_told_which_key_to_set(changes: dict[str, str]) -> None:
    error = refusal(request_head("OPTIONS", headers={**ASKED, **changes}), WEB)
    assert (error.status, error.code) == (403, "forbidden_origin")
    assert "listen.allowed_origins" in error.message


def test_a_preflight_under_a_foreign_host_is_refused() -> None:
    assert refusal(request_head("OPTIONS", headers=ASKED, host="evil.example"), WEB).code == "forbidden_host"


@pytest.mark.parametrize(
    "headers", [{"origin": APP}, {"access-control-request-method": "POST"}, {"access-control-request-headers": "x"}]
)
def test_what_is_no_preflight_wants_a_key(headers: dict[str, str]) -> None:
    assert refusal(request_head("OPTIONS", headers=headers), WEB).status == 401


def test_a_page_without_a_key_gets_no_further_than_its_preflight() -> None:
    assert refusal(request_head(headers={"origin": APP}), WEB).status == 401


# -- the front page ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("host", "more", "base_url"),
    [
        ("127.0.0.1:8080", {}, "http://127.0.0.1:8080/v1"),
        ("LOCALHOST", {}, "http://localhost/v1"),
        ("[::1]:8080", {}, "http://[::1]:8080/v1"),
        ("gate.example", {"tls": True}, "https://gate.example/v1"),
        ("gate.example", {"headers": {"x-forwarded-proto": "https"}}, "https://gate.example/v1"),
        ("gate.example:9", {"headers": {"x-forwarded-proto": "javascript"}}, "http://gate.example:9/v1"),
        ("gate.example:<b>", {}, "http://gate.example/v1"),
        ("gate.example:1@evil.example", {}, "http://gate.example/v1"),
        ("gate.example:\u0661", {}, "http://gate.example/v1"),
    ],
)
def test_the_front_page_names_the_checked_base_url(host: str, more: dict[str, object], base_url: str) -> None:
    admission = admit(request_head("GET", "/", **{"headers": {}, "host": host, **more}), RULES)
    assert (admission.action, admission.key, admission.base_url) == ("front", "", base_url)


def test_the_front_page_is_for_known_hosts_and_origins() -> None:
    assert refusal(request_head("GET", "/", headers={}, host="evil.example")).status == 403
    assert refusal(request_head("GET", "/", headers={"origin": "https://evil.example"})).status == 403
    assert refusal(request_head("POST", "/", headers={})).status == 401
    assert refusal(request_head("POST", "/")).status == 405


@pytest.mark.parametrize(
    ("accept", "page"),
    [("text/html,application/xhtml+xml,*/*;q=0.8", True), ("*/*", False), ("application/json", False), ("", False)],
)
def test_a_browser_sees_a_page(accept: str, page: bool) -> None:
    assert admit(request_head("GET", "/", headers={"accept": accept}), RULES).page is page


# -- what a dialect sees ----------------------------------------------------------------------------------------------
def counted(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
    yield from ()
    return http.Response.make(200)


def served(monkeypatch: pytest.MonkeyPatch, *routes: Route) -> None:
    dialect = Completions()
    dialect.name, dialect.routes = "things", routes
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, dialect))


def test_a_dialect_sees_of_the_head_what_its_route_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, Route(POST, "/v1/things/{id}", "things", reads=("session-id", "x-beta", "x-absent")))
    headers = AUTH | {"session-id": "s-1", "x-beta": "a, b", "cookie": "c=1", "user-agent": "ua"}
    head = admit(request_head(target="/things/a%20b?all=1", headers=headers), RULES).head
    assert (head.operation, head.params, head.query) == ("things", {"id": "a b"}, "all=1")
    assert head.headers == {"session-id": "s-1", "x-beta": "a, b"}
    assert admit(request_head(headers=headers), RULES).head.headers == {"session-id": "s-1"}  # a chat's session


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key", "x-goog-api-key"])
def test_no_dialect_sees_a_header_that_a_key_may_come_in(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    served(monkeypatch, Route(POST, "/v1/things", "things", reads=("x-beta", name)))
    with pytest.raises(ValueError, match=f"the route of things reads {name}"):
        admit(request_head(), RULES)


def test_what_is_answered_at_the_head_and_what_wants_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Route(GET, "/v1/things", "list", lambda head, catalog: http.Response.make(200))
    served(monkeypatch, answered, Route(POST, "/v1/things/count", "count", local_reading=counted))
    found = [
        admit(request_head(method, path), RULES)
        for method, path in (
            ("GET", "/v1/things"),
            ("POST", "/v1/things/count"),
            ("POST", "/v1/completions"),
            ("GET", "/healthz"),
            ("OPTIONS", "/v1/things"),
        )
    ]
    assert [one.asks_model for one in found] == [False, False, True, False, False]
    assert [one.wants_body for one in found] == [False, True, True, False, False]
