import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind, ProviderError
from providers.official.codes import COMMON
from providers.official.errors import classify, error_event, error_told
from providers.openai.presets import PRESETS
from tests.providers.official.refusing import JSON, error, refusal

K = ErrorKind
OPENAI = {
    "bad-key": (
        401,
        error("Incorrect API key", type="invalid_request_error", code="invalid_api_key"),
        K.SESSION_EXPIRED,
    ),
    "no-key": (401, error("You didn't provide an API key", type="invalid_request_error", code=None), K.SESSION_EXPIRED),
    "country": (403, error(code="unsupported_country_region_territory", type="request_forbidden"), K.FORBIDDEN),
    "quota": (429, error(code="insufficient_quota", type="insufficient_quota"), K.QUOTA),
    "rate": (429, error("Rate limit reached … add a payment method", code="rate_limit_exceeded"), K.RATE_LIMITED),
    "rate-without-code": (429, error("Rate limit … see billing"), K.RATE_LIMITED),
    "quota-without-code": (429, error("You exceeded your current quota"), K.QUOTA),
    "long": (
        400,
        error("maximum context length", type="invalid_request_error", code="context_length_exceeded"),
        K.TOO_LONG,
    ),
    "long-in-words": (400, error("This model's maximum context length is 4096 tokens.", code=400), K.TOO_LONG),
    "model": (
        404,
        error("The model `x` does not exist", type="invalid_request_error", code="model_not_found"),
        K.MODEL_UNAVAILABLE,
    ),
    "model-in-words": (
        404,
        error("The model `x` does not exist.", type="NotFoundError", code=404),
        K.MODEL_UNAVAILABLE,
    ),
    "filter": (400, error(code="content_policy_violation"), K.CONTENT_FILTERED),
    "parameter": (400, error("bad", type="invalid_request_error", param="temperature"), K.BAD_REQUEST),
    "parameter-of-a-model": (
        400,
        error("'temperature' is not supported with this model.", code="unsupported_parameter"),
        K.BAD_REQUEST,
    ),
    "parameter-of-a-model-without-code": (400, error("tools are not supported by this model"), K.BAD_REQUEST),
    "fault": (500, error(type="server_error"), K.PROVIDER_DOWN),
    "overloaded": (503, error("The model is overloaded", type="server_error"), K.PROVIDER_DOWN),
    "402": (402, error("Insufficient Balance", type="unknown_error"), K.QUOTA),
    "403": (403, error("not allowed"), K.FORBIDDEN),
    "413": (413, error(), K.TOO_LONG),
    "418": (418, error(), K.BAD_REQUEST),
    "422": (422, {"detail": [{"loc": ["body", "messages", 0], "msg": "field required"}]}, K.BAD_REQUEST),
    "408": (408, error(), K.PROVIDER_DOWN),
    "451": (451, error(), K.CONTENT_FILTERED),
    "529": (529, error(type="overloaded_error"), K.PROVIDER_DOWN),
    "404-of-a-wrong-path": (404, {"detail": "Not Found"}, K.MISCONFIGURED),
    "404-empty": (404, b"", K.MISCONFIGURED),
    "405": (405, {"detail": "Method Not Allowed"}, K.MISCONFIGURED),
    "openai-wrong-path": (404, error("Invalid URL (POST /chat/completions)"), K.MISCONFIGURED),
    "groq-wrong-path": (404, error("Unknown request URL: POST /chat/completions"), K.MISCONFIGURED),
    "gin-wrong-path": (404, b"404 page not found", K.MISCONFIGURED),
    "plain-text": (500, b"upstream connect error", K.PROVIDER_DOWN),
    "empty-object": (400, {}, K.BAD_REQUEST),
    "string-error": (404, {"error": "model 'x' not found, try pulling it first"}, K.MODEL_UNAVAILABLE),
    "llama-cpp": (
        400,
        error("the request exceeds the available context size", type="exceed_context_size_error", code=400),
        K.TOO_LONG,
    ),
    "llama-cpp-loading": (503, error("Loading model", type="unavailable_error", code=503), K.PROVIDER_DOWN),
    "moonshot-rate": (429, error(type="rate_limit_reached_error"), K.RATE_LIMITED),
    "moonshot-quota": (429, error(type="exceeded_current_quota_error"), K.QUOTA),
    "moonshot-model": (
        404,
        error("Not found the model or Permission denied", type="resource_not_found_error"),
        K.MODEL_UNAVAILABLE,
    ),
    "openrouter-credits": (402, error("Insufficient credits", code=402), K.QUOTA),
    "openrouter-moderation": (
        403,
        error("Your chosen model requires moderation and your input was flagged", code=403),
        K.CONTENT_FILTERED,
    ),
    "openrouter-endpoints": (404, error("No endpoints found for a/b.", code=404), K.MODEL_UNAVAILABLE),
    "openrouter-model-id": (400, error("a/b is not a valid model ID", code=400), K.MODEL_UNAVAILABLE),
}


@pytest.mark.parametrize(("status", "body", "kind"), OPENAI.values(), ids=OPENAI.keys())
def test_refusals_of_the_common_form(status: int, body: Any, kind: ErrorKind) -> None:
    found = refusal(status, body)
    assert found.kind is kind
    assert found.status == status


def test_a_too_long_input_of_dashscope_is_told_by_its_words() -> None:
    body = error("Range of input length should be [1, 30720]", code="InvalidParameter", type="invalid_request_error")
    assert refusal(400, body, "dashscope-intl").kind is K.TOO_LONG


# -- pages, redirects, answers of another kind ----------------------------------------------------------------------


def test_a_redirect_names_the_host_and_nothing_more() -> None:
    found = classify(307, {"location": "https://user:pw@sso.example/in?token=abc"}, b"", COMMON)
    assert (found.kind, found.status, found.site_code) == (K.MISCONFIGURED, 307, "redirect")
    assert "sso.example" in found.message
    assert "abc" not in found.message
    assert "pw" not in found.message
    assert classify(302, {}, b"", COMMON).kind is K.MISCONFIGURED


@pytest.mark.parametrize("body", [b"", b"OK", b'{"hello": 1}', b"\x00\xff"])
def test_a_good_status_without_an_answer_points_at_the_address(body: bytes) -> None:
    found = classify(200, {"content-type": "application/grpc"}, body, COMMON)
    assert found.kind is K.PROVIDER_DOWN
    assert "base_url" in found.message


# -- when to come back ----------------------------------------------------------------------------------------------
NOW = "Wed, 21 Oct 2026 07:28:00 GMT"
RETRY: dict[str, tuple[dict[str, str], Any, float | None]] = {
    "seconds": ({"retry_after": "20"}, {}, 20),
    "fraction": ({"retry_after": "0.5"}, {}, 0.5),
    "milliseconds-first": ({"retry_after_ms": "1500", "retry_after": "20"}, {}, 1.5),
    "far": ({"retry_after": "9999"}, {}, 9999),
    "date": ({"retry_after": "Wed, 21 Oct 2026 07:30:00 GMT", "date": NOW}, {}, 120),
    "date-in-the-past": ({"retry_after": "Wed, 21 Oct 2026 07:00:00 GMT", "date": NOW}, {}, None),
    "date-without-a-clock": ({"retry_after": "Wed, 21 Oct 2026 07:30:00 GMT"}, {}, None),
    "date-without-zone": ({"retry_after": "Wed, 21 Oct 2026 07:30:00 -0000", "date": NOW}, {}, None),
    "garbage": ({"retry_after": "soon"}, {}, None),
    "negative": ({"retry_after": "-5"}, {}, None),
    "zero": ({"retry_after": "0"}, {}, None),
    "infinite": ({"retry_after": "inf"}, {}, None),
    "nan": ({"retry_after": "nan"}, {}, None),
    "year": ({"retry_after": "31536000000"}, {}, None),
    "garbage-then-body": ({"retry_after": "soon"}, error(retry_after=60), 60),
    "body-top": ({}, {**error(), "retry_after": 61}, 61),
    "body-text": ({}, error(retry_after="62"), 62),
    "body-milliseconds": ({}, error(retry_after_ms=2500), 2.5),
    "body-bool": ({}, error(retry_after=True), None),
    "metadata": ({}, error(metadata={"retry_after_seconds": 5}), 5),
    "words": ({}, error("Please try again in 20s. Contact us"), 20),
    "words-compound": ({}, error("Please try again in 6m0s."), 360),
    "words-milliseconds": ({}, error("Please try again in 150ms."), 0.15),
    "words-long": ({}, error("Retry after 3 minutes"), 180),
    "words-of-something-else": ({}, error("You sent 20 requests. Please try again later; limit 3 / min"), None),
}


@pytest.mark.parametrize(("headers", "body", "seconds"), RETRY.values(), ids=RETRY.keys())
def test_the_time_to_wait_is_found(headers: dict[str, str], body: Any, seconds: float | None) -> None:
    assert refusal(429, body, **headers).retry_after_s == (None if seconds is None else pytest.approx(seconds))


# -- words ----------------------------------------------------------------------------------------------------------


def test_openrouter_tells_its_providers_words() -> None:
    body = error("Provider returned error", code=400, metadata={"raw": "tool schema is bad", "provider_name": "X"})
    assert "tool schema is bad" in refusal(400, body, "openrouter").message


@pytest.mark.parametrize("preset", PRESETS)
def test_every_error_says_something(preset: str) -> None:
    for status in (*range(200, 208), *range(300, 309), *range(400, 452), *range(500, 530)):
        found = refusal(status, b"", preset)
        assert found.message.strip()
        assert len(found.message) < 500


@given(
    st.integers(100, 999),
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["retry-after", "date", "location", "content-type"]), st.text(max_size=30)),
)
def test_any_answer_is_classified(status: int, body: bytes, headers: dict[str, str]) -> None:
    assert isinstance(classify(status, headers, body, COMMON), ProviderError)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "type", "detail", "loc", "msg", "param", "errors", "metadata", "raw"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([200, 400, 404, 429, 500]), JSONS)
def test_any_json_is_classified(status: int, value: Any) -> None:
    assert isinstance(classify(status, JSON, json.dumps(value).encode(), COMMON), ProviderError)


# -- whose fault, and how long ----------------------------------------------------------------------------------------
THROTTLE = (
    "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: "
    "free_tier_requests, limit: 10, model: x Please retry in 6.07s."
)


def google(message: str, quota: str, delay: str = "6s") -> Any:
    details = [{"violations": [{"quotaId": quota}]}, {"retryDelay": delay}]
    return [{"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}]


def test_googles_limit_of_the_minute_is_no_used_up_balance() -> None:
    found = refusal(429, google(THROTTLE, "GenerateRequestsPerMinutePerProjectPerModel"))
    assert (found.kind, found.scope) == (K.RATE_LIMITED, "model")
    assert found.retry_after_s == pytest.approx(6.07)
    assert refusal(429, google("your current quota", "TokensPerMinutePerModel-FreeTier", "")).kind is K.RATE_LIMITED
    assert refusal(429, google("Quota exceeded.", "X", "90s")).retry_after_s == 90


def test_googles_limit_of_the_day_is_the_models_allowance() -> None:
    found = refusal(429, google(THROTTLE, "GenerateRequestsPerDayPerProjectPerModel"))
    assert (found.kind, found.scope) == (K.QUOTA, "model")


WORDS: dict[str, Any] = {
    "text": {"error": {"message": "the words"}},
    "object": {"error": {"message": {"detail": "the words"}}},
    "validation": {"object": "error", "message": {"detail": [{"loc": ["body", "top_k"], "msg": "the words"}]}},
    "list": {"error": {"message": ["the words", "more"]}},
    "details": {"error": {"details": "the words"}},
    "description": {"error": {"code": "x", "description": "the words"}},
    "errors table": {"errors": {"top_k": ["the words"]}},
    "problem": {"title": "Bad", "detail": "the words", "status": 400},
    "capital": {"Error": {"Message": "x", "message": "the words"}},
    "camel": {"errorCode": 5, "errorMsg": "the words"},
    "nested": {"error": {"error": {"error": {"message": "the words"}}}},
    "raw": {"error": {"message": "Provider returned error", "metadata": {"raw": {"error": {"message": "the words"}}}}},
    "minimax": {"base_resp": {"status_code": 2013, "status_msg": "the words"}},
}


@pytest.mark.parametrize("body", WORDS.values(), ids=WORDS.keys())
def test_an_apis_words_are_quoted_in_whatever_shape(body: Any) -> None:
    found = refusal(400, body)
    assert "the words" in found.message
    assert found.kind is K.BAD_REQUEST


def test_a_field_of_a_validation_error_is_named() -> None:
    found = refusal(422, WORDS["validation"])
    assert found.param == "top_k"
    assert "top_k: the words" in found.message


def test_an_end_mark_in_an_apis_words_is_none() -> None:
    assert "[DONE]" not in refusal(400, error("stop at [DONE] please")).message


# -- words in whatever shape ----------------------------------------------------------------------------------------
SHAPES: dict[str, Any] = {
    "a-list": ["SAID"],
    "a-text": "SAID",
    "plain": b"SAID",
    "list-of-objects": [{"error": {"message": "SAID"}}],
    "fastapi": {"detail": [{"loc": ["body", "n"], "msg": "SAID", "type": "x"}, {"msg": "more"}]},
    "detail-object": {"detail": {"error": {"message": "SAID"}}},
    "errors-texts": {"errors": ["SAID", "more"]},
    "errors-objects": {"success": False, "errors": [{"code": 7003, "message": "SAID"}], "messages": []},
    "errors-by-field": {"errors": {"n": ["SAID"]}},
    "message-list": {"error": {"message": ["SAID", "more"]}},
    "message-object": {"error": {"message": {"text": "SAID"}}},
    "inner-errors": {"error": {"errors": [{"reason": "x", "message": "SAID"}]}},
    "json-in-a-text": {"error": json.dumps({"error": {"message": "SAID"}})},
    "json-in-a-message": {"error": {"message": json.dumps({"error": {"message": "SAID"}})}},
    "broken-json-in-a-message": {"error": {"message": '{"error": SAID'}},
    "oauth": {"error": "invalid_request", "error_description": "SAID"},
    "data": {"status": "error", "data": {"message": "SAID"}},
    "result": {"result": {"error": "SAID"}},
    "response": {"response": {"error": {"message": "SAID"}}},
    "apigee": {"fault": {"faultstring": "SAID", "detail": {"errorcode": "x"}}},
    "problem-json": {"title": "Bad", "detail": "SAID", "type": "about:blank"},
    "capital": {"error": {"Message": "SAID"}},
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_the_apis_own_words_are_quoted_in_whatever_shape(body: Any) -> None:
    found = refusal(400, body)
    assert "SAID" in found.message
    assert '{"error": {' not in found.message


def test_words_are_looked_for_within_bounds() -> None:
    deep: Any = "SAID"
    for _ in range(100):
        deep = {"data": {"result": deep}}
    assert refusal(400, deep).message == "The API refuses the request (status 400)."


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b'{"error": {"code": "rate_limit_exceeded", "message": "slowly"}}', K.RATE_LIMITED, "slowly"),
        (b'{"message": "gone"}', K.PROVIDER_DOWN, "gone"),
        (b'"boom"', K.PROVIDER_DOWN, "boom"),
        (b"upstream timed out", K.PROVIDER_DOWN, "upstream timed out"),
        (b'{"status": 503}', K.PROVIDER_DOWN, ""),
        (b'[{"error": {"message": "maximum context length is 4"}}]', K.TOO_LONG, "maximum"),
        (b"", K.PROVIDER_DOWN, "does not say"),
        (b"null", K.PROVIDER_DOWN, "does not say"),
        (b"\xff\xfe", K.PROVIDER_DOWN, ""),
    ],
    ids=str,
)
def test_data_that_is_called_an_error_is_one_whatever_it_holds(data: bytes, kind: K, words: str) -> None:
    found = error_told(data, {})
    assert found.kind is kind
    assert words in found.message


@pytest.mark.parametrize(
    ("value", "is_error"),
    [
        ({"type": "error"}, True),
        ({"object": "error"}, True),
        ({"x_groq": {"id": "req_1", "error": "over capacity"}, "choices": [{"delta": {}}]}, True),
        ({"x_groq": {"id": "req_1", "error": None}}, False),
        ({"x_groq": "error"}, False),
        ({"type": "ping"}, False),
    ],
    ids=str,
)
def test_what_a_frame_without_words_of_an_error_says(value: Any, is_error: bool) -> None:
    assert (error_event(value, {}) is not None) is is_error
