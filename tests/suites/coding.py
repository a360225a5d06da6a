"""Claude Code and Codex CLI: how each is started at home in a folder of its own, without telemetry."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.suites.clients import PACKAGES, Setting, write

_CLAUDE: Final = "@anthropic-ai/claude-code-linux-x64/claude"
_CODEX: Final = "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"
_CODEX_SETTINGS: Final = """
model = {model}
model_provider = "gateway"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
{more}
[analytics]
enabled = false

[model_providers.gateway]
name = "Gateway"
base_url = {base_url}
env_key = "SUITE_KEY"
wire_api = "responses"
"""


@dataclass(frozen=True)
class Coder:
    """A program that speaks a dialect of its own."""

    name: str
    package: str
    command: Callable[[Setting, str, bool, Sequence[str]], list[str]]
    """Of the setting, the words, whether it goes on with the conversation before, and further arguments."""
    prepare: Callable[[Setting, str], None]
    """With what a case adds to its settings."""
    environ: Callable[[Setting], Mapping[str, str]] = lambda setting: {}
    environment: str = field(default="agents", init=False)


def _claude(setting: Setting, words: str, again: bool, more: Sequence[str]) -> list[str]:
    allowed = ["--permission-mode", "acceptEdits", "--allowedTools", "Bash,Read,Write,Edit"]
    onward = ["--continue"] if again else []
    return [str(PACKAGES / _CLAUDE), "-p", "--model", setting.model, *onward, *more, *allowed, "--", words]


def _claude_environ(setting: Setting) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": setting.base_url.removesuffix("/v1"),
        "ANTHROPIC_AUTH_TOKEN": setting.key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    }


def _codex(setting: Setting, words: str, again: bool, more: Sequence[str]) -> list[str]:
    onward = ["resume", "--last"] if again else []
    return [str(PACKAGES / _CODEX), "exec", "--json", "--skip-git-repo-check", *more, *onward, words]


def _codex_settings(setting: Setting, more: str) -> None:
    model, base_url = json.dumps(setting.model), json.dumps(setting.base_url)
    text = _CODEX_SETTINGS.format(model=model, base_url=base_url, more=more)
    write(setting.home / ".codex" / "config.toml", text)


CLAUDE_CODE: Final = Coder(
    "Claude Code", "@anthropic-ai/claude-code-linux-x64", _claude, lambda setting, more: None, _claude_environ
)
CODEX: Final = Coder("Codex CLI", "@openai/codex-linux-x64", _codex, _codex_settings)


@dataclass(frozen=True)
class Case:
    """One task of one program before one model, and what must come of it.

    `turns` are prompts of one conversation. In them and in `said`, WORK is the folder and WORD a word nobody can guess,
    which stands in notes.txt there; two.txt has OTHER.
    """

    coder: Coder
    model: str
    kind: str
    turns: Sequence[str]
    said: Sequence[str]
    """What must stand in the last answer."""
    requests: int
    """How many must have reached the gateway."""
    fails: bool = False
    """The program ends with an error, as it should."""
    written: str = ""
    """What must stand in made.txt or notes.txt."""
    arguments: Sequence[str] = ()
    settings: str = ""

    def problem(self, texts: Mapping[str, str], code: int, said: str, files: str, requests: int) -> str:
        """Why the task was not done as it should be, or nothing."""
        if (code != 0) != self.fails:
            return f"ended with {code}"
        for words in self.said:
            if not re.search(_filled(words, texts), said, re.DOTALL):
                return f"{words!r} was not said"
        if self.written and _filled(self.written, texts) not in files:
            return "the file was not written"
        return "" if requests == self.requests else f"{requests} requests instead of {self.requests}"

    def prompts(self, texts: Mapping[str, str]) -> list[str]:
        return [_filled(words, texts) for words in self.turns]


def _filled(words: str, texts: Mapping[str, str]) -> str:
    for name, text in texts.items():
        words = words.replace(name, text)
    return words
