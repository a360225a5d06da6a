"""Error codes of official APIs and what they mean."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from tests.providers.official.refusing import error, refusal

K = ErrorKind

ZAI = {
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1004", "1110", "1111"), K.SESSION_EXPIRED),
    **dict.fromkeys(("1112", "1121"), K.ACCOUNT_BLOCKED),
    **dict.fromkeys(("1113", "1304", "1308", "1309"), K.QUOTA),
    **dict.fromkeys(("1302", "1303"), K.RATE_LIMITED),
    **dict.fromkeys(("1211", "1220", "1222"), K.MODEL_UNAVAILABLE),
    **dict.fromkeys(("1210", "1213", "1214", "1215"), K.BAD_REQUEST),
    **dict.fromkeys(("1300", "1301"), K.CONTENT_FILTERED),
    **dict.fromkeys(("500", "1230", "1234"), K.PROVIDER_DOWN),
    "1261": K.TOO_LONG,
    "1231": K.CONVERSATION_BUSY,
}


@pytest.mark.parametrize(("code", "kind"), ZAI.items(), ids=ZAI.keys())
def test_codes_of_zai(code: str, kind: ErrorKind) -> None:
    found = refusal(429 if kind in (K.QUOTA, K.RATE_LIMITED) else 400, error("说明", code=code), "zai")
    assert (found.kind, found.site_code) == (kind, code)


@pytest.mark.parametrize(("status", "kind"), [(434, K.MODEL_UNAVAILABLE), (435, K.TOO_LONG)])
def test_statuses_of_zai(status: int, kind: ErrorKind) -> None:
    assert refusal(status, error(), "zai").kind is kind


DASHSCOPE = {
    "invalid_api_key": (401, K.SESSION_EXPIRED),
    "InvalidApiKey": (401, K.SESSION_EXPIRED),
    "AccessDenied": (403, K.SESSION_EXPIRED),
    "Arrearage": (400, K.QUOTA),
    "ModelNotFound": (404, K.MODEL_UNAVAILABLE),
    "model_not_found": (404, K.MODEL_UNAVAILABLE),
    "InvalidParameter": (400, K.BAD_REQUEST),
    "data_inspection_failed": (400, K.CONTENT_FILTERED),
    "DataInspectionFailed": (400, K.CONTENT_FILTERED),
    "Throttling.RateQuota": (429, K.RATE_LIMITED),
    "Throttling.AllocationQuota": (429, K.QUOTA),
    "insufficient_quota": (429, K.QUOTA),
    "InternalError.Algo": (500, K.PROVIDER_DOWN),
}


@pytest.mark.parametrize(("code", "status", "kind"), [(c, *rest) for c, rest in DASHSCOPE.items()], ids=DASHSCOPE)
def test_codes_of_dashscope_in_both_its_forms(code: str, status: int, kind: ErrorKind) -> None:
    assert refusal(status, error("x", code=code, type="x"), "dashscope-intl").kind is kind
    assert refusal(status, {"code": code, "message": "x", "request_id": "r"}, "dashscope-cn").kind is kind


LONGCAT = [
    (401, "authentication_error", "invalid_api_key", K.SESSION_EXPIRED),
    (403, "permission_error", "insufficient_quota", K.QUOTA),
    (400, "invalid_request_error", "invalid_parameter", K.BAD_REQUEST),
    (400, "invalid_request_error", "invalid_json", K.BAD_REQUEST),
    (429, "rate_limit_error", "rate_limit_exceeded", K.RATE_LIMITED),
    (500, "server_error", "internal_error", K.PROVIDER_DOWN),
]


@pytest.mark.parametrize(("status", "type", "code", "kind"), LONGCAT, ids=[row[2] for row in LONGCAT])
def test_errors_of_longcat(status: int, type: str, code: str, kind: ErrorKind) -> None:
    assert refusal(status, error("x", type=type, code=code, retry_after=60), "longcat").kind is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"detail": "Model not found"}, K.MODEL_UNAVAILABLE),
        (401, {"detail": "Not authenticated"}, K.SESSION_EXPIRED),
        (429, {"message": "slow down"}, K.RATE_LIMITED),
        (500, {"error": {"message": "x"}}, K.PROVIDER_DOWN),
    ],
)
def test_errors_of_k2think(status: int, body: Any, kind: ErrorKind) -> None:
    assert refusal(status, body, "k2think").kind is kind
