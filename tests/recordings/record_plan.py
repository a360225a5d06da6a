"""What is asked of every sandbox site to be recorded: each variant, and each fault that leaves the session alone."""

from collections.abc import Iterator

ZAI = {
    "variant": ("", "heartbeat", "details", "glm_block", "content", "done_word", "done_data"),
    "fault": (
        *("truncated", "hang_up", "error_after_text", "unknown_event", "concurrency", "capacity", "user_level", "429"),
        *("json_error", "captcha", "edge", "internal", "html"),  # the last ones tell on the account
    ),
}
OPENAI = {
    "variant": ("", "reasoning"),
    "fault": ("500", "context", "broken_json", "error_mid", "no_done", "glued", "crlf", "length"),
}
LONGCAT = {
    "variant": (
        *(
            "",
            "cumulative",
            "old",
            "old+cumulative",
            "pairs",
            "reason",
            "remarks",
            "common_search",
            "general_search",
            "media",
        ),
        *("token_info", "no_usage", "no_final", "final_differs", "final_completes", "final_alone", "last_one"),
        *("finish_only", "comments", "space", "done_word"),
    ),
    "fault": (
        *("429", "429_body", "gone", "json_error", "500", "502", "plain", "event_error", "gone_event", "429_data"),
        *("429_line", "error_line", "sensitive", "sensitive_frame", "sensitive_wordless", "truncated", "hang_up"),
        *("error_mid", "broken_json", "empty", "wordless", "unknown_event", "bad_utf8", "two_finishes", "after_finish"),
    ),
}
K2THINK = {
    "variant": (
        *("", "plain", "open", "think", "answer", "length", "cut_answer", "own", "details", "duration", "quoted"),
        *("unclosed", "snapshots", "chunks"),
    ),
    "fault": (
        *("model_gone", "bad_request", "429", "500", "503", "plain_http", "json_error", "wrong_type", "error_first"),
        *("bare_detail", "error_mid", "detail_mid", "message_mid", "half_frame", "broken_json", "truncated"),
        *("hang_up", "bad_utf8", "two_finishes", "after_finish", "unknown_event", "empty"),
    ),
}
QWEN = {
    "variant": (
        *("", "thinks", "searches", "think", "no_phase", "deep_research", "snapshots", "two_candidates"),
        *("second_first", "two_searches", "web_extractor", "tools", "keep_alive", "skip_think", "old_usage"),
        *("no_usage", "length", "stopped", "done_true", "done_word", "event_lines", "crlf"),
    ),
    "fault": (
        *("quota", "parallel", "429", "bad_request", "validation", "server", "busy", "500", "502", "empty_json"),
        *("invalid_input", "quota_in_stream", "server_in_stream", "error_mid", "message_mid", "status_error"),
        *("truncated", "half_frame", "no_finish", "hang_up", "broken_json", "bad_utf8", "two_finishes"),
        *("after_finish", "unknown_event", "empty", "wordless"),
    ),
}
ANTHROPIC = {
    "variant": ("", "announced"),
    "fault": (
        *("413", "500", "json_error", "error_started", "error_mid", "overloaded_mid", "truncated", "hang_up"),
        *("no_stop", "no_delta", "broken_json", "unknown_event", "crlf", "unnamed", "after_stop", "refusal", "pause"),
    ),
}
PLANS = {
    "zai": ("GLM-4.6-Thinking", ZAI),
    "openai": ("sandbox-large", OPENAI),
    "longcat": ("LongCat-Flash", LONGCAT),
    "k2think": ("MBZUAI-IFM/K2-Think-v2", K2THINK),
    "qwen": ("qwen3.7-plus", QWEN),
    "anthropic": ("claude-sandbox", ANTHROPIC),
}


def asked(site: str) -> Iterator[dict[str, object]]:
    """The bodies of the requests for a site, streamed and whole."""
    model, plan = PLANS[site]
    for kind, names in plan.items():
        for name in names:
            for stream in (True, False):
                prompt = f"talk of {kind} {name} {stream}\n!sandbox {kind}={name} pace_ms=0"
                yield {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
