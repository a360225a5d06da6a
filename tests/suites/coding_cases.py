"""What Claude Code and Codex CLI are asked to do, before which models, and what must come of it."""

from collections.abc import Iterator
from typing import Final

from tests.suites.coding import CLAUDE_CODE, CODEX, Case

ANTHROPIC, OPENAI, GLM, QWEN = "claude-sandbox", "sandbox-large", "GLM-4.6", "qwen-max"
UPSTREAMS: Final = (ANTHROPIC, OPENAI, GLM, QWEN)
"""The official forms, and web sessions with emulated tools."""
_THOUGHTS: Final = ("--output-format", "stream-json", "--verbose")
_COMPACT_SOON: Final = "model_auto_compact_token_limit = 10"


def cases() -> Iterator[Case]:
    for model in UPSTREAMS:
        yield from _claude(model)
        yield from _codex(model)


def _claude(model: str) -> Iterator[Case]:
    def case(kind: str, words: str | tuple[str, ...], requests: int, *said: str, **more: object) -> Case:
        turns = (words,) if isinstance(words, str) else words
        return Case(CLAUDE_CODE, model, kind, turns, said, requests, **more)  # type: ignore[arg-type]

    yield case("text", "Reply with exactly WORD", 1, "WORD")
    yield case("tool", "Read the file WORK/notes.txt and tell me exactly what it says.", 2, "WORD")
    yield case("parallel tools", "Read the files WORK/notes.txt and WORK/two.txt", 2, "WORD", "OTHER")
    edit = "Read the file WORK/notes.txt and then replace password with secret in WORK/notes.txt"
    yield case("file edit", edit, 2, written="The secret is WORD")
    yield case("thinking", "Reply with exactly WORD", 1, '"type":"thinking"', "WORD", arguments=_THOUGHTS)
    yield case("compaction", ("Hello, my name is Ann.", "/compact", "Reply with exactly WORD"), 3, "WORD")
    if model in (GLM, QWEN):  # read back from the site, which keeps its answers
        yield case(
            "cut", "Tell me a story of WORD\n!sandbox variant=no_tool fault=truncated", 1, "WORD.*as a real answer"
        )
    for kind, fault in _BROKEN[model].items():
        yield case(kind, f"Tell me a story of WORD\n!sandbox variant=no_tool fault={fault}", 2, "WORD")
    for kind, (fault, said) in _REFUSED[model].items():
        yield case(kind, f"Hi\n!sandbox variant=no_tool {fault}", 1, said, fails=True)


def _codex(model: str) -> Iterator[Case]:
    def case(kind: str, words: str | tuple[str, ...], requests: int, *said: str, **more: object) -> Case:
        turns = (words,) if isinstance(words, str) else words
        return Case(CODEX, model, kind, turns, said, requests, **more)  # type: ignore[arg-type]

    yield case("text", "Reply with exactly WORD", 1, "WORD")
    yield case("tool", "Run the command: head -n 3 notes.txt", 2, "WORD")
    both = 'Call exec_command({"cmd": "head notes.txt"}) and exec_command({"cmd": "head two.txt"})'
    yield case("parallel tools", both, 2, "WORD", "OTHER")
    yield case("file edit", "Run the command: sed -i s/password/secret/ notes.txt", 2, written="The secret is WORD")
    yield case("compaction", ("My name is Ann.", "What is my name?"), 3, "Ann", settings=_COMPACT_SOON)
    if model in (GLM, QWEN):  # read back from the site, which keeps its answers
        yield case(
            "cut", "Tell me a story of WORD\n!sandbox variant=no_tool fault=truncated", 1, "WORD.*as a real answer"
        )
    for kind, fault in _BROKEN[model].items():
        yield case(kind, f"Tell me a story of WORD\n!sandbox variant=no_tool fault={fault}", 2, "WORD")
    for kind, (fault, said) in _REFUSED[model].items():
        yield case(kind, f"Hi\n!sandbox variant=no_tool {fault}", 1, said, fails=True)


_BROKEN: Final = {
    ANTHROPIC: {"error first": "overloaded_once", "error in the middle": "error_mid_once", "cut": "truncated_once"},
    OPENAI: {"error first": "503_once", "error in the middle": "error_mid_once", "cut": "truncated_once"},
    GLM: {"error first": "capacity_once", "error in the middle": "error_after_text_once"},
    QWEN: {"error first": "server_once", "error in the middle": "error_mid_once"},
}
"""What a repetition heals."""
_REFUSED: Final = {
    ANTHROPIC: {
        "key refused": ("fault=401", "key"),
        "forbidden": ("fault=403", "permission"),
        "no credit": ("fault=credit", "credit"),
        "long wait": ("fault=429 retry_after=3600", "limit"),
        "too long": ("fault=too_long", "too long|ran out of room"),
    },
    OPENAI: {
        "key refused": ("fault=401", "key"),
        "quota": ("fault=quota", "quota"),
        "long wait": ("fault=429 retry_after=3600", "limit"),
        "too long": ("fault=context", "context|long|ran out of room"),
    },
    GLM: {"challenge": ("fault=captcha", "human|browser"), "session": ("fault=session", "Sign in again")},
    QWEN: {
        "challenge": ("fault=waf", "human|browser"),
        "session": ("fault=401", "Sign in again"),
        "quota": ("fault=quota", "allowance"),
    },
}
"""What no repetition heals: asked once, and our words are shown."""
