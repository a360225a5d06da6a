import json

import pytest

from addons.dialects.openai.error import error_body
from addons.errors import MESSAGE_LIMIT, GatewayError
from providers.contract.errors import ErrorKind, ProviderError


def told(kind: ErrorKind, **more: object) -> GatewayError:
    return GatewayError.from_provider(ProviderError(kind, "it said no.", **more), "zai", "main")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_has_an_honest_status(kind: ErrorKind) -> None:
    error = told(kind)
    assert error.status not in (401, 408, 409)  # a client would blame its own key, or repeat by itself
    assert error.message.startswith("[zai/main] it said no.")
    assert set(json.loads(error_body(error))["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry"),
    [
        (ErrorKind.SESSION_EXPIRED, 502, "provider_auth", "false"),
        (ErrorKind.CHALLENGE, 502, "provider_challenge", "false"),
        (ErrorKind.FORBIDDEN, 403, "provider_forbidden", "false"),
        (ErrorKind.RATE_LIMITED, 429, "rate_limit_exceeded", None),
        (ErrorKind.QUOTA, 429, "insufficient_quota", "false"),
        (ErrorKind.ACCOUNT_BLOCKED, 502, "provider_account_blocked", "false"),
        (ErrorKind.OUTDATED_CLIENT, 502, "provider_outdated_client", "false"),
        (ErrorKind.BAD_REQUEST, 400, "invalid_request_error", "false"),
        (ErrorKind.CONTENT_FILTERED, 403, "content_filter", "false"),
        (ErrorKind.CONVERSATION_BUSY, 503, "conversation_busy", None),
        (ErrorKind.CONVERSATION_GONE, 502, "conversation_gone", None),
        (ErrorKind.MODEL_UNAVAILABLE, 404, "model_not_found", "false"),
        (ErrorKind.TOO_LONG, 400, "context_length_exceeded", "false"),
        (ErrorKind.PROVIDER_DOWN, 502, "upstream_error", None),
        (ErrorKind.INCOMPLETE, 502, "upstream_eof", None),
    ],
)
def test_meaning_of_kinds(kind: ErrorKind, status: int, code: str, retry: str | None) -> None:
    error = told(kind)
    assert (error.status, error.code) == (status, code)
    assert dict(error.headers()).get("x-should-retry") == retry


def test_after_a_check_for_humans_the_persons_browser_is_named_and_no_new_try() -> None:
    message = GatewayError.from_provider(ProviderError(ErrorKind.CHALLENGE, "No."), "zai", "main", "a login").message
    assert message == (
        "[zai/main] No. Use the official API, or pass the check in your browser and store the session anew: "
        "./run_proxy.sh capture zai main"
    )
    assert told(ErrorKind.CHALLENGE, credential="key").message == "[zai/main] it said no."


def test_retry_after_is_rounded_up_and_told_in_both_units() -> None:
    headers = dict(told(ErrorKind.RATE_LIMITED, retry_after_s=1.2).headers())
    assert headers["retry-after"] == "2"
    assert headers["retry-after-ms"] == "1200"


@pytest.mark.parametrize(
    ("wait_s", "seconds"),
    [(0.001, "1"), (120, "120"), (9999, "9999"), (float("inf"), "2678400"), (1e300, "2678400")],
)
def test_any_wait_becomes_whole_seconds(wait_s: float, seconds: str) -> None:
    assert dict(told(ErrorKind.RATE_LIMITED, retry_after_s=wait_s).headers())["retry-after"] == seconds


@pytest.mark.parametrize("wait_s", [0, -5, float("nan"), None])
def test_no_wait_is_told_where_there_is_none(wait_s: float | None) -> None:
    assert (
        not {"retry-after", "retry-after-ms"}
        & dict(told(ErrorKind.RATE_LIMITED, retry_after_s=wait_s).headers()).keys()
    )


def test_a_providers_long_words_do_not_push_out_what_to_do_next() -> None:
    no = ProviderError(ErrorKind.SESSION_EXPIRED, "no\n" * 5000)
    error = GatewayError.from_provider(no, "zai", "main", "./run_proxy.sh capture zai main")
    assert error.message.startswith("[zai/main] no no")
    assert error.message.endswith("… Sign in again at the provider: ./run_proxy.sh capture zai main")
    assert len(error.message) == MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("kind", "site_code", "status", "expected"),
    [
        (ErrorKind.PROVIDER_DOWN, "timeout", None, (504, "upstream_timeout")),
        (ErrorKind.PROVIDER_DOWN, None, 504, (504, "upstream_timeout")),
        (ErrorKind.PROVIDER_DOWN, "upstream_tls", None, (502, "upstream_tls")),
        (ErrorKind.PROVIDER_DOWN, "upstream_unreachable", None, (502, "upstream_unreachable")),
        (ErrorKind.GATEWAY_FULL, "upstream_unreachable", None, (503, "gateway_full")),
        (ErrorKind.BAD_REQUEST, "previous_response_not_found", None, (400, "previous_response_not_found")),
        (ErrorKind.BAD_REQUEST, "odd", None, (400, "invalid_request_error")),
        (ErrorKind.SESSION_EXPIRED, None, 401, (502, "provider_auth")),
    ],
)
def test_why_a_provider_is_down_is_told_apart(
    kind: ErrorKind, site_code: str | None, status: int | None, expected: tuple[int, str]
) -> None:
    error = told(kind, site_code=site_code, status=status)
    assert (error.status, error.code) == expected


def test_the_field_at_fault_is_named() -> None:
    assert told(ErrorKind.BAD_REQUEST, param="temperature").param == "temperature"
    assert told(ErrorKind.MODEL_UNAVAILABLE).param == "model"


def test_no_control_character_makes_a_line_or_colour_of_its_own() -> None:
    message = GatewayError(400, "a\r\nb\tc\x1b[31md\x85e\u2028f").message
    assert message == "a b c [31md e f"


def test_messages_are_short_clean_and_encodable() -> None:
    error = GatewayError(502, "a\x00b\ud83d" + "x" * 1000)
    assert len(error.message) == 500
    assert "\x00" not in error.message
    error_body(error).decode()


@pytest.mark.parametrize("said", ["no such model", "no such model."])
def test_what_a_provider_says_ends_before_the_advice_begins(said: str) -> None:
    message = GatewayError.from_provider(ProviderError(ErrorKind.MODEL_UNAVAILABLE, said), "zai", "main").message
    assert message.startswith("[zai/main] no such model. GET /v1/models")


def test_retry_hints_agree() -> None:
    soon = dict(told(ErrorKind.QUOTA, retry_after_s=7).headers())
    assert ("retry-after" in soon, soon["x-should-retry"]) == (False, "false")
    late = dict(told(ErrorKind.QUOTA, retry_after_s=7200).headers())
    assert (late["retry-after"], late["x-should-retry"]) == ("7200", "false")
    assert "x-should-retry" not in dict(told(ErrorKind.RATE_LIMITED, retry_after_s=7).headers())


@pytest.mark.parametrize("kind", ErrorKind)
def test_nobody_is_told_to_sign_in_with_a_key(kind: ErrorKind) -> None:
    error = told(kind, credential="key")
    assert "ign in" not in error.message
    assert "browser" not in error.message


def test_the_command_that_mends_a_key_stands_alone_at_the_end() -> None:
    error = ProviderError(ErrorKind.SESSION_EXPIRED, "Incorrect API key provided", credential="key")
    message = GatewayError.from_provider(
        error, "zai", "main", "glassgate sessions add zai main --api-key-stdin"
    ).message
    assert message == (
        "[zai/main] Incorrect API key provided. Check the key at the provider and store the right one: "
        "glassgate sessions add zai main --api-key-stdin"
    )


def test_a_message_that_says_what_to_do_gets_no_second_advice() -> None:
    error = ProviderError(
        ErrorKind.SESSION_EXPIRED, "no key is stored. Add one: COMMAND", credential="key", advised=True
    )
    message = GatewayError.from_provider(error, "zai", "main", "ANOTHER COMMAND").message
    assert message == "[zai/main] no key is stored. Add one: COMMAND"


@pytest.mark.parametrize(
    ("message", "kind", "told"),
    [
        ("no balance", ErrorKind.QUOTA, "no balance. Wait for"),
        ("no balance.", ErrorKind.QUOTA, "no balance. Wait for"),
        ("it broke off. Try again.", ErrorKind.INCOMPLETE, "it broke off. Try again."),
        ("it broke off", ErrorKind.INCOMPLETE, "it broke off. The answer broke off"),
        ("ends with [DONE]", ErrorKind.BAD_REQUEST, "ends with [ DONE ]"),
    ],
)
def test_a_message_is_whole_sentences_and_one_advice(message: str, kind: ErrorKind, told: str) -> None:
    error = GatewayError.from_provider(ProviderError(kind, message), "zai", "main")
    assert error.message.startswith(f"[zai/main] {told}")
    assert error.message.lower().count("try again") <= 1
    assert b"[DONE]" not in error_body(error)


def test_the_apis_own_words_come_along_whole_and_are_cleaned_with_the_message() -> None:
    error = told(ErrorKind.BAD_REQUEST, words="thinking: " + "x" * 2 * MESSAGE_LIMIT)
    assert error.words == "thinking: " + "x" * 2 * MESSAGE_LIMIT
    assert error.cleaned(lambda words: words.replace("x", "")).words == "thinking: "
    assert told(ErrorKind.BAD_REQUEST).words == ""


@pytest.mark.parametrize("facts", [{"status": 503}, {"status": 529}, {"site_code": "overloaded_error"}])
def test_an_overload_says_what_next_and_when(facts: dict[str, object]) -> None:
    error = told(ErrorKind.PROVIDER_DOWN, **facts)
    assert error.message == "[zai/main] it said no. Try again in a moment, or use another model."
    assert dict(error.headers())["retry-after"] == "5"
    assert error.should_retry is None
    assert dict(told(ErrorKind.PROVIDER_DOWN, **facts, retry_after_s=9).headers())["retry-after"] == "9"


def test_another_fault_names_no_time() -> None:
    assert "retry-after" not in dict(told(ErrorKind.PROVIDER_DOWN, status=500).headers())
