import pytest

from addons.core.client_keys import ClientKey, ClientKeys
from addons.core.errors import GatewayError
from addons.core.gate import GateRules, Knock, admit, still_admitted

KEY = "sk-test-1234567890"
KEYS = ClientKeys([ClientKey("ada", KEY), ClientKey("bob", "sk-second-key")])
RULES = GateRules(KEYS, frozenset({"gate.example", "other.example:8443"}))
AUTH = {"authorization": f"Bearer {KEY}"}


def knock(method: str = "POST", target: str = "/v1/chat/completions", **changes: object) -> Knock:
    facts: dict[str, object] = {
        "method": method,
        "target": target,
        "headers": AUTH,
        "absolute_form": False,
        "host": "127.0.0.1:8080",
        "local_address": ("127.0.0.1", 8080),
    }
    return Knock(**{**facts, **changes})  # type: ignore[arg-type]


def refusal(attempt: Knock, rules: GateRules = RULES) -> GatewayError:
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
    ],
)
def test_known_paths_are_admitted(method: str, target: str, action: str, argument: str) -> None:
    admission = admit(knock(method, target), RULES)
    assert (admission.action, admission.argument, admission.key) == (action, argument, "ada")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize("target", ["/v1/chat/completions", "/v1/models", "/", "/unknown", "/v1/models/x"])
def test_every_path_and_method_wants_the_key_first(method: str, target: str) -> None:
    assert refusal(knock(method, target, headers={})).status == 401


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
    error = refusal(knock(headers=headers))
    assert (error.status, error.code) == (401, "invalid_api_key")
    assert KEY[:-1] not in error.message


def test_the_same_key_in_two_headers_is_one_key() -> None:
    assert admit(knock(headers={**AUTH, "x-api-key": KEY}), RULES).key == "ada"


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
    admission = admit(knock(headers=headers), RULES)
    assert admission.key == "ada"
    assert still_admitted(admission.identity, RULES)
    assert not still_admitted(admission.identity, GateRules(ClientKeys([ClientKey("ada", "sk-newer")])))
    assert admit(knock("GET", "/healthz", headers=headers), RULES).key == "ada"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({**AUTH, "x-api-key": "sk-second-key"}, id="two headers"),
        pytest.param({"x-api-key": f"{KEY}, sk-second-key"}, id="one header"),
        pytest.param({**AUTH, "x-api-key": "sk-second-key", "api-key": "other"}, id="and one of somebody"),
    ],
)
def test_two_keys_of_ours_are_nobodys(headers: dict[str, str]) -> None:
    error = refusal(knock(headers=headers))
    assert (error.status, error.code) == (401, "invalid_api_key")
    assert "two different keys of this gateway (ada and bob)" in error.message
    assert KEY not in error.message
    assert admit(knock("GET", "/healthz", headers=headers), RULES).key == ""


def test_a_key_may_hold_a_comma() -> None:
    rules = GateRules(ClientKeys([ClientKey("odd", "first, second")]))
    assert admit(knock(headers={"x-api-key": "first, second"}), rules).key == "odd"


def test_two_names_of_one_key_are_one_key() -> None:
    rules = GateRules(ClientKeys([ClientKey("one", KEY), ClientKey("two", KEY)]))
    assert admit(knock(), rules).key == "two"


def test_without_a_key_check_nobody_is_anybody() -> None:
    admission = admit(knock(headers={**AUTH, "x-api-key": "sk-second-key"}), GateRules(None))
    assert admission.key == "anyone"
    assert still_admitted(admission.identity, GateRules(None))
    assert not still_admitted(admission.identity, RULES)


def test_health_is_open_and_says_nothing_else() -> None:
    assert admit(knock("GET", "/healthz", headers={}), RULES).action == "health"
    assert refusal(knock("POST", "/healthz", headers={})).status == 401


def test_switched_off_key_check_lets_anyone_in() -> None:
    assert admit(knock(headers={}), GateRules(None)).key == "anyone"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"target": "/v2/chat"}, 404, id="unknown path"),
        pytest.param({"method": "GET"}, 405, id="wrong method"),
        pytest.param({"absolute_form": True}, 400, id="absolute form"),
        pytest.param({"headers": {**AUTH, "content-encoding": "gzip"}}, 415, id="compressed body"),
        pytest.param({"headers": {**AUTH, "origin": "https://evil.example"}}, 403, id="foreign origin"),
        pytest.param({"host": "evil.example"}, 403, id="foreign host"),
        pytest.param({"host": "127.0.0.1:9999"}, 403, id="wrong port"),
        pytest.param({"host": ""}, 403, id="no host"),
    ],
)
def test_refusals(changes: dict[str, object], status: int) -> None:
    assert refusal(knock(**changes)).status == status  # type: ignore[arg-type]


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
    admit(knock(host=host), RULES)


def test_a_wrong_method_says_which_are_right() -> None:
    assert dict(refusal(knock("DELETE")).headers())["allow"] == "OPTIONS, POST"
