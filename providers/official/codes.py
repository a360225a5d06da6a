"""Error codes of official APIs and their meaning: data, one table a vendor, beside the one all share.

Codes and types are looked up in lower case. Sources: each vendor's public error reference; "seen" marks those that only
users reported.
"""

from collections.abc import Mapping
from typing import Final

from providers.contract.errors import ErrorKind

type Codes = Mapping[str, ErrorKind]

_K = ErrorKind


def _table(rows: Mapping[ErrorKind, str]) -> dict[str, ErrorKind]:
    return {code: kind for kind, codes in rows.items() for code in codes.split()}


COMMON: Final[Codes] = _table(
    {
        _K.SESSION_EXPIRED: (
            "invalid_api_key incorrect_api_key invalid_authentication invalid_authentication_error"
            " authentication_error authenticationerror unauthorized invalid_organization"
            " invalid_project token_expired api_key_invalid"
        ),
        _K.FORBIDDEN: (
            "permission_error permissions_error permission_denied permission_denied_error permissiondeniederror"
            " access_denied forbidden unsupported_country_region_territory ip_not_authorized"
        ),
        _K.ACCOUNT_BLOCKED: "account_deactivated account_suspended organization_restricted",
        _K.QUOTA: (
            "insufficient_quota insufficient_balance insufficient_credits insufficient_credit insufficient_funds"
            " billing_hard_limit_reached billing_not_active quota_exceeded exceeded_current_quota_error"
            " usage_limit_reached payment_required"
        ),
        _K.RATE_LIMITED: (
            "rate_limit_exceeded rate_limit_error rate_limit_reached_error ratelimiterror rate_limit rate_limited"
            " too_many_requests slow_down engine_overloaded_error"
        ),
        _K.MODEL_UNAVAILABLE: (
            "model_not_found model_not_available model_unavailable model_not_supported unsupported_model invalid_model"
            " model_decommissioned resource_not_found_error tier_not_allowed model_not_allowed model_access_denied"
            " model_permission_blocked_project model_permission_blocked_org model_terms_required"
        ),
        _K.TOO_LONG: (
            "context_length_exceeded context_window_exceeded exceed_context_size_error request_too_large"
            " string_above_max_length prompt_too_long tokens_too_long"
        ),
        _K.CONTENT_FILTERED: (
            "content_filter content_filtered content_policy_violation moderation_blocked sensitive"
            " responsibleaipolicyviolation responsible_ai_policy_violation"
        ),
        _K.BAD_REQUEST: (
            "invalid_parameter invalid_parameter_error unsupported_parameter unsupported_value unknown_parameter"
            " missing_required_parameter invalid_value invalid_type invalid_json invalid_prompt invalid_image"
            " invalid_image_url invalid_function_parameters json_parse_error previous_response_not_found"
        ),
        _K.PROVIDER_DOWN: (
            "internal_error internal_server_error internalservererror service_unavailable serviceunavailableerror"
            " overloaded overloaded_error server_overloaded timeout timeout_error upstream_error bad_gateway"
            " engine_overloaded model_overloaded server_is_overloaded"
        ),
    }
)
"""Codes and types OpenAI uses, and the close relatives of others (DeepSeek, Moonshot, vLLM, Ollama, llama.cpp)."""

GENERIC: Final[Codes] = {
    "invalid_request_error": _K.BAD_REQUEST,
    "invalid_request": _K.BAD_REQUEST,
    "badrequesterror": _K.BAD_REQUEST,
    "bad_request": _K.BAD_REQUEST,
    "bad_request_error": _K.BAD_REQUEST,
    "not_found_error": _K.MODEL_UNAVAILABLE,
    "notfounderror": _K.MODEL_UNAVAILABLE,
    "resource_exhausted": _K.RATE_LIMITED,
    "unauthenticated": _K.SESSION_EXPIRED,
    "server_error": _K.PROVIDER_DOWN,
    "api_error": _K.PROVIDER_DOWN,
}
"""Types that say little: the HTTP status knows better where there is one."""

ZAI: Final[Codes] = _table(
    {
        _K.SESSION_EXPIRED: "1000 1001 1002 1003 1004 1100 1110 1111",
        _K.ACCOUNT_BLOCKED: "1112 1121",
        _K.QUOTA: "1113 1304 1308 1309 1310",
        _K.RATE_LIMITED: "1302 1303 1305",
        _K.MODEL_UNAVAILABLE: "1211 1220 1221 1222 1311",
        _K.BAD_REQUEST: "1210 1212 1213 1214 1215",
        _K.TOO_LONG: "1261",
        _K.CONTENT_FILTERED: "1300 1301",
        _K.CONVERSATION_BUSY: "1231",
        _K.PROVIDER_DOWN: "500 1120 1200 1230 1234 1312",
    }
)
"""Z.AI's business codes; 1261, 1305 and 1310 to 1312 are seen."""

MINIMAX: Final[Codes] = _table(
    {
        _K.SESSION_EXPIRED: "1004 2049",
        _K.QUOTA: "1008 2056",
        _K.RATE_LIMITED: "1002 1039 1041 2045",
        _K.BAD_REQUEST: "1042 2013",
        _K.CONTENT_FILTERED: "1026 1027",
        _K.MODEL_UNAVAILABLE: "2061",
        _K.PROVIDER_DOWN: "1000 1001 1013 1024 1033",
    }
)
"""MiniMax's `base_resp.status_code`, which stands in answers with status 200."""

DASHSCOPE: Final[Codes] = _table(
    {
        _K.SESSION_EXPIRED: (
            "invalidapikey accessdenied accessdenied.unpurchased accessdenied.unauthorized workspace.accessdenied"
        ),
        _K.QUOTA: (
            "arrearage commoditynotpurchased prepaidbilloverdue postpaidbilloverdue allocationquota.freetieronly"
            " throttling.allocationquota"
        ),
        _K.RATE_LIMITED: (
            "throttling throttling.ratequota throttling.burstrate limitrequests limit_requests limit_burst_rate"
        ),
        _K.MODEL_UNAVAILABLE: "modelnotfound model.accessdenied model_not_supported",
        _K.BAD_REQUEST: (
            "invalidparameter invalidurl unsupportedoperation badrequest.emptyinput badrequest.emptyparameters"
            " badrequest.emptymodel"
        ),
        _K.CONTENT_FILTERED: "data_inspection_failed datainspectionfailed inappropriate_content",
        _K.PROVIDER_DOWN: (
            "internalerror internalerror.algo internalerror.timeout systemerror modelservicefailed requesttimeout"
            " modelservingerror modelunavailable"
        ),
    }
)
"""Alibaba Model Studio: the DashScope names, which the OpenAI form shows beside OpenAI's own."""

OF_MODEL: Final = frozenset({"allocationquota.freetieronly", "throttling.allocationquota"})
"""Codes of used up allowances that each model has for itself (help.aliyun.com/en/model-studio/new-free-quota)."""
