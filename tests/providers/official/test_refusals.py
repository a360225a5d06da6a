"""How APIs say that a conversation is too long or its content not wanted: real wordings, most of them without a code.

Both go to the models that `routing.fallbacks` means for them, and neither blames the account; so what only sounds like
them must not count. Sources: the vendors' references and what their users have quoted in public issues.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.official.codes import Codes
from providers.official.errors import classify, error_event
from providers.openai.presets import PRESETS

NO_CODES: Codes = {}
JSON = {"content-type": "application/json"}

TOO_LONG: dict[str, tuple[int, str]] = {
    "openai": (400, "This model's maximum context length is 8192 tokens. However, you requested 9631 tokens."),
    "openai, responses": (400, "Your input exceeds the context window of this model. Please adjust your input."),
    "openai, tpm": (
        429,
        "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 45000. The "
        "input or output tokens must be reduced in order to run successfully.",
    ),
    "groq": (400, "Please reduce the length of the messages or completion."),
    "groq, tpm": (
        413,
        "Request too large for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on tokens "
        "per minute (TPM): Limit 6000, Requested 9500, please reduce your message size and try again.",
    ),
    "anthropic": (400, "prompt is too long: 213462 tokens > 200000 maximum"),
    "anthropic, output": (400, "input length and `max_tokens` exceed context limit: 199000 + 20000 > 200000"),
    "anthropic, bytes": (413, "Request exceeds the maximum size"),
    "bedrock": (400, "Input is too long for requested model."),
    "gemini": (400, "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575)."),
    "gemini, newer": (400, "The input token count exceeds the maximum number of tokens allowed 1048576."),
    "xai": (400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens."),
    "mistral": (400, "Prompt contains 70155 tokens, too large for model with 32768 maximum context length"),
    "openrouter": (
        400,
        "This endpoint's maximum context length is 32768 tokens. However, you requested about 40960 tokens (40000 of "
        "text input, 960 in the output). Please reduce the length of either one, or use the middle-out transform.",
    ),
    "poolside": (400, "Input length 265330 exceeds the maximum allowed input length of 262144 tokens."),
    "copilot": (400, "prompt token count of 150230 exceeds the limit of 128000"),
    "github-models": (413, "Request body too large for gpt-4o model. Max size: 8000 tokens."),
    "deepseek": (
        400,
        "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (139000 in the "
        "messages, 1000 in the completion). Please reduce the length of the messages or completion.",
    ),
    "moonshot": (400, "Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)"),
    "zai": (400, "Prompt 超长"),
    "zai, tokens": (400, "输入tokens超过最大长度"),
    "relay in Chinese": (400, "输入长度超过模型上限"),
    "relay in Chinese, context": (400, "请求的上下文长度超出限制"),
    "minimax": (400, "invalid params, context window exceeds limit"),
    "dashscope": (400, "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]"),
    "dashscope, as 500": (500, "InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]"),
    "siliconflow": (400, "length of prompt_tokens (40000) must be less than max_seq_len (32768)."),
    "volcengine": (400, "Input length 140000 exceeds the maximum length 131072"),
    "volcengine, messages": (400, "Total tokens of image and text exceed max message tokens"),
    "together": (400, "The input (265330 tokens) is longer than the model's context length (262144 tokens)."),
    "together, tgi": (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000"),
    "tgi": (422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 2046"),
    "fireworks": (400, "The prompt is too long: 70000, model maximum context length: 65535"),
    "cohere": (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 12000."),
    "cloudflare": (
        400,
        "The estimated number of input and maximum output tokens (20000) exceeded this model context window limit "
        "(8000).",
    ),
    "vllm": (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
    "vllm, older": (
        400,
        "The prompt (total length 45000) is too long to fit into the model (context length 4096). Make sure that "
        "`max_model_len` is no smaller than the number of text tokens plus multimodal tokens.",
    ),
    "sglang": (400, "Requested token count exceeds the model's maximum context length of 8192 tokens."),
    "llama.cpp": (400, "the request exceeds the available context size, try increasing it"),
    "llama.cpp, as 500": (500, "the request exceeds the available context size. try increasing the context size"),
    "lm studio": (
        400,
        "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 10978 >= "
        "n_ctx: 8192).",
    ),
    "lm studio, full": (400, "Context size has been exceeded."),
    "ollama": (400, "prompt too long; exceeded max context length by 512 tokens"),
    "ollama, as 500": (500, "the input length exceeds the context length"),
    "ds4": (400, "Prompt has 5000 tokens, but the configured context size is 4096 tokens"),
    "databricks": (400, "Exceeded max input tokens: got 9000, the limit is 8192"),
}  # fmt: skip

CONTENT: dict[str, tuple[int, str]] = {
    "openai": (400, "Your request was rejected as a result of our safety system."),
    "openai, usage": (
        400,
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a "
        "different prompt.",
    ),
    "azure": (
        400,
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
        "modify your prompt and retry.",
    ),
    "anthropic": (400, "Output blocked by content filtering policy"),
    "anthropic, prohibited": (400, "Your request contains prohibited content"),
    "xai": (
        403,
        "Content violates usage guidelines. Team: 1b2c, API key ID: 3d4e, Model: grok-4, Failed check: "
        "SAFETY_CHECK_TYPE_BIO",
    ),
    "openrouter": (403, 'deepseek/deepseek-r1 requires moderation on Azure. Your input was flagged for "violence".'),
    "deepseek": (400, "Content Exists Risk"),
    "moonshot": (400, "The request was rejected because it was considered high risk"),
    "zai": (400, "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语。"),
    "relay in Chinese": (400, "抱歉，您所输入的内容含有违规信息"),
    "dashscope": (400, "Input data may contain inappropriate content."),
    "dashscope, output": (400, "Output data may contain inappropriate content."),
    "minimax": (400, "input new_sensitive"),
    "volcengine": (400, "The request failed because the input text may contain sensitive information."),
    "vertex": (
        400,
        "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI "
        "practices.",
    ),
    "vertex, blocked": (400, "The response was blocked due to safety reasons: PROHIBITED_CONTENT"),
    "cohere": (400, "blocked output: please adjust your prompt and try again"),
    "bedrock": (400, "Guardrail intervened: the input was blocked by a guardrail policy"),
    "stepfun": (451, "The content you provided or machine outputted is blocked"),
}  # fmt: skip

CODES = [
    (400, "SensitiveContentDetected", "The request failed", ErrorKind.CONTENT_FILTERED),
    (400, "SensitiveContentDetected.SevereViolation", "The request failed", ErrorKind.CONTENT_FILTERED),
    (400, "InputTextSensitiveContentDetected", "The request failed", ErrorKind.CONTENT_FILTERED),
    (400, "OutputTextRiskDetection", "The request failed", ErrorKind.CONTENT_FILTERED),
    (451, "censorship_block", "blocked", ErrorKind.CONTENT_FILTERED),
    (400, "content_moderated", "moderated", ErrorKind.CONTENT_FILTERED),
    (400, "sensitive_words_detected", "x", ErrorKind.CONTENT_FILTERED),
    (400, "content_filter_triggered", "x", ErrorKind.CONTENT_FILTERED),
    (413, "tokens_limit_reached", "too large", ErrorKind.TOO_LONG),
    (400, "model_context_window_exceeded", "x", ErrorKind.TOO_LONG),
    (400, "context_window_exceeded_error", "x", ErrorKind.TOO_LONG),
    (413, "rate_limit_exceeded", TOO_LONG["groq, tpm"][1], ErrorKind.TOO_LONG),
    (429, "rate_limit_exceeded", TOO_LONG["openai, tpm"][1], ErrorKind.TOO_LONG),
    (400, "invalid_prompt", CONTENT["openai, usage"][1], ErrorKind.CONTENT_FILTERED),
]

NEITHER = {
    "a rate": (429, "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000."),
    "a rate, too many": (429, "rate limit reached: too many tokens per minute for this org"),
    "max_tokens": (400, "max_tokens is too large: 200000. This model supports at most 16384 completion tokens."),
    "max_tokens, dashscope": (400, "Range of max_tokens should be [1, 8192]"),
    "max_tokens, limit": (400, "max_tokens exceeds the limit of 8192"),
    "stop": (400, "'stop' is too long: at most 4 sequences."),
    "case-sensitive": (400, "Field names are case-sensitive: 'Messages' is unknown."),
    "a schema": (400, "Invalid schema for response_format: 'required' violates the supported subset."),
    "a policy of retries": (400, "The value of retry_policy is unknown."),
    "a tool's name": (400, "tools[0].function.name: string too long, expected at most 64 characters"),
    "a fault": (500, "The server had an error processing your request. Please reduce your request rate."),
}  # fmt: skip


def kind_of(status: int, message: str, code: str | None = None, **more: Any) -> ErrorKind:
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": code, **more}})
    return classify(status, JSON, body.encode(), NO_CODES).kind


def cases() -> Iterator[Any]:
    """Status, code, words, and what they are about. Behind 400 APIs put codes that say no more than the status does."""
    for name, (status, message) in TOO_LONG.items():
        for code in (None, "400", "invalid_parameter_error") if status == 400 else (None,):
            yield pytest.param(status, code, message, ErrorKind.TOO_LONG, id=f"too long: {name}, {code}")
    for name, (status, message) in CONTENT.items():
        yield pytest.param(status, None, message, ErrorKind.CONTENT_FILTERED, id=f"content: {name}")
    yield from CODES


@pytest.mark.parametrize(("status", "code", "message", "kind"), cases())
def test_what_a_refusal_is_about(status: int, code: str | None, message: str, kind: ErrorKind) -> None:
    assert kind_of(status, message, code) is kind


@pytest.mark.parametrize(("status", "message"), NEITHER.values(), ids=NEITHER)
def test_what_only_sounds_like_them(status: int, message: str) -> None:
    assert kind_of(status, message) not in (ErrorKind.TOO_LONG, ErrorKind.CONTENT_FILTERED)


@pytest.mark.parametrize("message", [TOO_LONG["moonshot"][1], TOO_LONG["xai"][1], TOO_LONG["lm studio, full"][1]])
def test_too_long_inside_an_answer(message: str) -> None:
    """A frame of a stream, or a whole body, with status 200."""
    said = error_event({"error": {"message": message, "code": 400}}, NO_CODES)
    assert said is not None
    assert said.kind is ErrorKind.TOO_LONG


def test_a_vendors_inner_code_is_seen() -> None:
    """Azure: the filter stands in `innererror`, the outer code may be empty."""
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}
    assert kind_of(400, "The request was refused.", None, innererror=inner) is ErrorKind.CONTENT_FILTERED


@pytest.mark.parametrize("preset", PRESETS)
def test_no_vendors_table_hides_the_words(preset: str) -> None:
    codes = PRESETS[preset].form.error_codes
    body = json.dumps({"error": {"message": TOO_LONG["openai"][1], "type": "invalid_request_error", "code": None}})
    assert classify(400, JSON, body.encode(), codes).kind is ErrorKind.TOO_LONG
