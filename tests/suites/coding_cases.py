"""What Claude Code and Codex CLI are asked to do, before which models, and what must come of it."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.suites.coding import CLAUDE_CODE, CODEX, Case, Coder

ANTHROPIC, OPENAI, GLM, QWEN = "claude-sandbox", "sandbox-large", "GLM-4.6", "qwen-max"
LONGCAT: Final = "LongCat-Flash"
NOBODY: Final = "no-such-model"
UPSTREAMS: Final = (ANTHROPIC, OPENAI, GLM, QWEN)
"""The official forms, and web sessions with emulated tools."""
_THOUGHTS: Final = ("--output-format", "stream-json", "--verbose")
_COMPACT_SOON: Final = "model_auto_compact_token_limit = 10"


def cases() -> Iterator[Case]:
    for model in UPSTREAMS:
        yield from _claude(model)
        yield from _codex(model)
    for model, refused in _REFUSED.items():
        for coder in (CLAUDE_CODE, CODEX):
            for kind, (fault, said) in refused.items():
                words = f"Hi\n!sandbox variant=no_tool {fault}"
                yield Case(coder, model, kind, [words], [said], 1, fails=True)
    for kind, fault in _FILTERED.items():
        words = f"Tell me a story\n!sandbox variant=no_tool fault={fault}"
        yield Case(CLAUDE_CODE, LONGCAT, kind, [words], [_FILTER], 1)
        yield Case(CODEX, LONGCAT, kind, [words], [_FILTER], 1, fails=True)


def _claude(model: str) -> Iterator[Case]:
    case = partial(Case, CLAUDE_CODE, model)
    yield case("text", ["Reply with exactly WORD"], ["WORD"], 1)
    yield case("tool", ["Read the file WORK/notes.txt and tell me exactly what it says."], ["WORD"], 2)
    yield case("parallel tools", ["Read the files WORK/notes.txt and WORK/two.txt"], ["WORD", "OTHER"], 2)
    edit = "Read the file WORK/notes.txt and then replace password with secret in WORK/notes.txt"
    yield case("file edit", [edit], [], 2, written="The secret is WORD")
    yield case("thinking", ["Reply with exactly WORD"], ['"type":"thinking"', "WORD"], 1, arguments=_THOUGHTS)
    yield case("compaction", ["Hello, my name is Ann.", "/compact", "Reply with exactly WORD"], ["WORD"], 3)
    yield from _broken(CLAUDE_CODE, model)
    if model == ANTHROPIC:
        refused = "Tell me a story of WORD\n!sandbox fault="
        yield case("signature refused", ["Hello!", f"{refused}signature_once"], ["WORD"], 3)
        # In the API's own words with its own status: Claude Code leaves out one thing after the other.
        yield case("field refused", [f"{refused}400"], ["metadata.user_id"], 6, fails=True)


def _codex(model: str) -> Iterator[Case]:
    case = partial(Case, CODEX, model)
    yield case("text", ["Reply with exactly WORD"], ["WORD"], 1)
    yield case("tool", ["Run the command: head -n 3 notes.txt"], ["WORD"], 2)
    both = 'Call exec_command({"cmd": "head notes.txt"}) and exec_command({"cmd": "head two.txt"})'
    yield case("parallel tools", [both], ["WORD", "OTHER"], 2)
    edit = "Run the command: sed -i s/password/secret/ notes.txt"
    yield case("file edit", [edit], [], 2, written="The secret is WORD")
    yield case("compaction", ["My name is Ann.", "What is my name?"], ["Ann"], 3, settings=_COMPACT_SOON)
    yield from _broken(CODEX, model)


def _broken(coder: Coder, model: str) -> Iterator[Case]:
    """What a repetition heals, by the program or by the gateway."""
    story = "Tell me a story of WORD\n!sandbox variant=no_tool fault="
    for kind, fault in _BROKEN[model].items():
        yield Case(coder, model, kind, [f"{story}{fault}"], ["WORD"], 2)
    if model in (GLM, QWEN):  # read back from the site, which keeps its answers
        yield Case(coder, model, "cut", [f"{story}truncated"], ["WORD.*as a real answer"], 1)


_BROKEN: Final = {
    ANTHROPIC: {"error first": "overloaded_once", "error in the middle": "error_mid_once", "cut": "truncated_once"},
    OPENAI: {"error first": "503_once", "error in the middle": "error_mid_once", "cut": "truncated_once"},
    GLM: {"error first": "capacity_once", "error in the middle": "error_after_text_once"},
    QWEN: {"error first": "server_once", "error in the middle": "error_mid_once"},
}
_FILTERED: Final = {"filtered": "sensitive_wordless", "filtered in the middle": "sensitive"}
_FILTER: Final = "content filter ended"
_REFUSED: Final = {
    ANTHROPIC: {
        "key refused": ("fault=401", "key"),
        "forbidden": ("fault=403", "permission"),
        "no API": ("fault=html", "page|API"),
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
    NOBODY: {"unknown model": ("", NOBODY)},
    GLM: {
        "challenge": ("fault=captcha", "human|browser"),
        "session": ("fault=session", "Sign in again"),
        "outdated client": ("fault=outdated", "version|client"),
        "blocked account": ("fault=user_level", "account"),
    },
    LONGCAT: {
        "challenge": ("fault=418", "human|browser"),
        "session": ("fault=login", "Sign in again"),
    },
    QWEN: {
        "challenge": ("fault=waf", "human|browser"),
        "session": ("fault=401", "Sign in again"),
        "quota": ("fault=quota", "allowance"),
    },
}
"""What no repetition heals: asked once, and our words are shown."""
