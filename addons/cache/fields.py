"""The fields of requests whose answers may be kept, form by form. Data.

A request with any other field is not looked for: nobody here knows whether it searches the web, runs something at the
provider or names something that lies there. Nothing that is listed is left out of what tells requests apart.
"""

from typing import Final

_SAMPLING: Final = frozenset({"temperature", "top_p", "top_k", "min_p", "seed"})
_WHO: Final = frozenset({"user", "safety_identifier", "metadata", "prompt_cache_key", "prompt_cache_retention"})
_CALLS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
_OPENAI: Final = frozenset({"model", "stream", "stream_options", "service_tier", "store"})
_PENALTIES: Final = frozenset({"frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "logprobs"})

CHAT: Final = (
    _OPENAI
    | _SAMPLING
    | _WHO
    | _CALLS
    | _PENALTIES
    | {
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "n",
        "top_logprobs",
        "response_format",
        "reasoning",
        "reasoning_effort",
        "thinking",
        "enable_thinking",
        "chat_template_kwargs",
        "verbosity",
        "functions",
        "function_call",
    }
)
COMPLETIONS: Final = (
    _OPENAI | _SAMPLING | _WHO | _PENALTIES | {"prompt", "suffix", "echo", "max_tokens", "stop", "n", "best_of"}
)
MESSAGES: Final = (
    _SAMPLING
    | _CALLS
    | {
        "model",
        "messages",
        "system",
        "max_tokens",
        "stop_sequences",
        "stream",
        "metadata",
        "thinking",
        "output_config",
        "output_format",
        "service_tier",
        "cache_control",
    }
)
RESPONSES: Final = (
    _OPENAI
    | _SAMPLING
    | _WHO
    | _CALLS
    | {
        "input",
        "instructions",
        "max_output_tokens",
        "top_logprobs",
        "text",
        "reasoning",
        "include",
        "truncation",
        "max_tool_calls",
        "background",
        "previous_response_id",
        "conversation",
        "prompt",
    }
)
"""The last four with the values alone that ask for nothing; others are refused, or go on from an answer."""

TOOL_KINDS: Final = frozenset({None, "function", "custom", "namespace"})
"""Tools that the client itself runs; what a provider's server runs may do or find anything."""
SAID_KINDS: Final = frozenset(
    {
        None,
        "text",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "message",
        "input_text",
        "output_text",
        "refusal",
        "reasoning",
        "reasoning_text",
        "summary_text",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    }
)
"""Kinds of items, blocks and parts that are words alone: a file, a picture or a sound may lie at an address, where it
changes."""

ELSEWHERE: Final = frozenset({"audio", "file", "file_id", "image_url", "input_audio", "video_url", "source"})
"""Members of items, blocks and parts that say or name what is no words, whatever kind they call themselves."""
