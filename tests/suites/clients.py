"""The clients of others: how each is started, without telemetry and at home in a folder of its own; its version."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
SCRIPTS: Final = HERE / "clients"
PACKAGES: Final = ROOT / ".venv-suites-agents" / "node_modules"
NODE_PROGRAMS: Final = PACKAGES / ".bin"
NODE: Final = NODE_PROGRAMS / "node"
_OPENCODE: Final = "opencode-linux-x64-baseline/bin/opencode"
_CLINE: Final = "@cline/cli-linux-x64/bin/cline"
CITY_SCHEMA: Final = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "country": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["name", "country", "population"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Setting:
    """Where one run takes place: the gateway, the model, an empty home and a folder to work in."""

    base_url: str
    key: str
    model: str
    home: Path
    work: Path


@dataclass(frozen=True)
class Script:
    """A library: one script in an environment of its own, which does all tasks with all models."""

    name: str
    package: str
    environment: str
    """The folder below tests/suites that pins it, installed in .venv-suites-… by .ci/clients."""
    file: str
    models: Sequence[str] = ()
    """With these, instead of those that all are run with."""

    def command(self, base_url: str, models: Sequence[str]) -> list[str]:
        python = ROOT / f".venv-suites-{self.environment}" / "bin" / "python"
        program = NODE if self.file.endswith(".mjs") else python
        return [str(program), str(SCRIPTS / self.file), base_url, *(self.models or models)]


@dataclass(frozen=True)
class Agent:
    """A program that works in a folder: one run a task and model."""

    name: str
    package: str
    environment: str
    tasks: Mapping[tuple[str, str], Callable[[Setting, str], list[str]]]
    """The command for the words of a task, by task and mode."""
    prepare: Callable[[Setting], None] = lambda setting: None
    environ: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Setting], list[str]] | None = None
    """A command before it."""


class Installed(Protocol):
    """What .ci/clients has put into an environment."""

    @property
    def package(self) -> str: ...

    @property
    def environment(self) -> str: ...


def version(client: Installed) -> str | None:
    """The version that is installed; None without it."""
    place = ROOT / f".venv-suites-{client.environment}"
    manifest = place / "node_modules" / client.package / "package.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
    name = client.package.replace("-", "_")
    found = place.glob(f"lib/python3*/site-packages/{name}-*.dist-info")
    return next((folder.name.removeprefix(f"{name}-").removesuffix(".dist-info") for folder in found), None)


def _program(name: str, *arguments: str) -> Callable[[Setting, str], list[str]]:
    """A command of an npm package, by its path, and the words; `{model}` and `{work}` are those of the setting."""

    def command(setting: Setting, words: str) -> list[str]:
        filled = [part.format(model=setting.model, work=setting.work) for part in arguments]
        return [str(PACKAGES / name), *filled, words]

    return command


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write_json(file: Path, value: Any) -> None:
    write(file, json.dumps(value, indent=2))


# -- opencode ------------------------------------------------------------------------------------------------------
def _opencode(setting: Setting) -> None:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Gateway",
        "options": {"baseURL": setting.base_url, "apiKey": "{env:SUITE_KEY}"},
        "models": {setting.model: {"name": setting.model}},
    }
    settings = {
        "$schema": "https://opencode.ai/config.json",
        "autoupdate": False,
        "share": "disabled",
        "model": f"gateway/{setting.model}",
        "small_model": f"gateway/{setting.model}",
        "provider": {"gateway": provider},
    }
    _write_json(setting.work / "opencode.json", settings)


# -- Qwen Code -----------------------------------------------------------------------------------------------------
def _qwen(setting: Setting) -> None:
    settings = {
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "general": {"enableAutoUpdate": False, "disableAutoUpdate": True, "disableUpdateNag": True},
        "security": {"auth": {"selectedType": "openai"}},
    }
    _write_json(setting.home / ".qwen" / "settings.json", settings)
    variables = {"OPENAI_BASE_URL": setting.base_url, "OPENAI_API_KEY": setting.key, "OPENAI_MODEL": setting.model}
    write(setting.home / ".qwen" / ".env", "".join(f"{name}={value}\n" for name, value in variables.items()))


# -- Continue ------------------------------------------------------------------------------------------------------
def _continue(setting: Setting) -> None:
    model = {
        "name": setting.model,
        "provider": "openai",
        "model": setting.model,
        "apiBase": setting.base_url,
        "apiKey": setting.key,
        "roles": ["chat"],
        "capabilities": ["tool_use"],
    }
    settings = {"name": "Gateway", "version": "1.0.0", "schema": "v1", "models": [model]}
    write(setting.home / "config.yaml", yaml.safe_dump(settings, sort_keys=False))


def _cn(*arguments: str) -> Callable[[Setting, str], list[str]]:
    return lambda setting, words: _program(".bin/cn", "--config", str(setting.home / "config.yaml"), "-p", *arguments)(
        setting, words
    )


# -- Cline ---------------------------------------------------------------------------------------------------------
def _cline_account(setting: Setting) -> list[str]:
    command = [str(PACKAGES / _CLINE), "auth", "-p", "openai", "-k", setting.key]
    return [*command, "-m", setting.model, "-b", setting.base_url]


# -- aider ---------------------------------------------------------------------------------------------------------
def _aider(*arguments: str) -> Callable[[Setting, str], list[str]]:
    def command(setting: Setting, words: str) -> list[str]:
        program = ROOT / ".venv-suites-aider" / "bin" / "aider"
        account = ["--openai-api-base", setting.base_url, "--openai-api-key", setting.key]
        quiet = ["--no-git", "--no-check-update", "--analytics-disable", "--no-show-model-warnings", "--no-pretty"]
        told = ["--yes-always", "--no-suggest-shell-commands", "--edit-format", "whole", "--message", words]
        return [str(program), "--model", f"openai/{setting.model}", *account, *quiet, *arguments, *told]

    return command


_THINKING: Final = ("GLM-4.6-Thinking", "qwen-max")
SCRIPTED: Final = (
    Script("LangChain create_agent", "langchain", "libraries", "langchain_agent.py"),
    Script(
        "langchain-tests",
        "langchain-tests",
        "libraries",
        "langchain_standard.py",
        ("GLM-4.6", "qwen-max", "GLM-4.6V", "qwen3.6-plus"),
    ),
    Script("pydantic-ai", "pydantic-ai-slim", "libraries", "pydantic_agent.py"),
    Script("OpenAI Agents SDK", "openai-agents", "libraries", "openai_agents.py"),
    Script(
        "Anthropic SDK", "anthropic", "libraries", "anthropic_sdk.py", ("claude-sandbox", "sandbox-large", *_THINKING)
    ),
    Script(
        "Open Responses",
        "openresponses-types",
        "libraries",
        "open_responses.py",
        ("sandbox-large", "claude-sandbox", "GLM-4.6V", "qwen3.6-plus"),
    ),
    Script("llm", "llm", "libraries", "llm_tool.py"),
    Script("instructor", "instructor", "instructor", "instructor_modes.py"),
    Script("Vercel AI SDK", "ai", "ai-sdk", "ai_sdk.mjs"),
)
AGENTS: Final = (
    Agent(
        "opencode",
        "opencode-linux-x64-baseline",
        "agents",
        {
            ("tool:read", "stream"): _program(_OPENCODE, "run", "--auto"),
            ("tool:write", "stream"): _program(_OPENCODE, "run", "--auto"),
            ("structured:words", "stream"): _program(_OPENCODE, "run", "--auto"),
        },
        _opencode,
        {
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        },
    ),
    Agent(
        "Qwen Code",
        "@qwen-code/qwen-code",
        "agents",
        {
            ("tool:read", "stream"): _program(".bin/qwen", "--yolo"),
            ("tool:write", "stream"): _program(".bin/qwen", "--yolo"),
            ("structured:schema", "stream"): _program(
                ".bin/qwen", "--yolo", "--json-schema", json.dumps(CITY_SCHEMA).replace("{", "{{").replace("}", "}}")
            ),
        },
        _qwen,
    ),
    Agent(
        "Continue CLI",
        "@continuedev/cli",
        "agents",
        {
            ("tool:read", "stream"): _cn("--auto"),
            ("tool:write", "stream"): _cn("--auto"),
            ("structured:json", "stream"): _cn("--auto", "--format", "json"),
        },
        _continue,
        {"CONTINUE_CLI_ENABLE_TELEMETRY": "0", "CONTINUE_METRICS_ENABLED": "0"},
    ),
    Agent(
        "Cline CLI",
        "@cline/cli-linux-x64",
        "agents",
        {
            ("tool:read", "stream"): _program(_CLINE, "--cwd", "{work}", "--timeout", "80"),
            ("tool:write", "stream"): _program(_CLINE, "--cwd", "{work}", "--timeout", "80"),
            ("structured:words", "stream"): _program(_CLINE, "--cwd", "{work}", "--timeout", "80"),
        },
        environ={"CLINE_NO_AUTO_UPDATE": "1", "CLINE_NO_INTERACTIVE": "1"},
        before=_cline_account,
    ),
    Agent(
        "aider",
        "aider-chat",
        "aider",
        {("edit", "stream"): _aider("--stream"), ("edit", "whole"): _aider("--no-stream")},
    ),
)
