"""The programs that `glassgate run` knows: an entry of data for each. docs/clients says what each does.

What they read is from their own pages and sources. Tried with the programs themselves, without a network and against
settings of a person that lead elsewhere: Claude Code 2.1.332, Codex 0.169.0, opencode 1.18.33, Qwen Code 0.24.4, Cline
3.0.65, Continue 1.5.47; without such settings aider 0.86.2 and llm 0.36. Not tried: goose, Crush.

No key stands among the arguments: every user of the machine can read those.
"""

import json
from typing import Any, Final

import yaml

from addons.cli.running.program import Prepared, Program, Setting

KEY: Final = "GLASSGATE_RUN_KEY"
"""The variable with the key, for programs that can be told a name."""
_VENDORS: Final = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "OPENAI_API_BASE",
    "OPENAI_API_KEY",
    "OPENAI_API_TYPE",
    "OPENAI_BASE_URL",
    "OPENAI_ORG_ID",
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT_ID",
)
"""What both SDKs read by themselves."""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _claude(setting: Setting) -> Prepared:
    """The settings' `env` goes before that of the person's own settings, which goes before the process's."""
    environ = {
        "ANTHROPIC_BASE_URL": setting.url,
        "ANTHROPIC_AUTH_TOKEN": setting.key,
        "ANTHROPIC_MODEL": setting.model,
        "ANTHROPIC_SMALL_FAST_MODEL": setting.model,
        **{f"ANTHROPIC_DEFAULT_{kind}_MODEL": setting.model for kind in ("OPUS", "SONNET", "HAIKU", "FABLE")},
        "CLAUDE_CODE_SUBAGENT_MODEL": setting.model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    if setting.context:
        environ["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(setting.context)
    settings = _json({"env": {**environ, "ANTHROPIC_API_KEY": ""}})
    file = str(setting.folder / "settings.json")
    return Prepared(environ, {"settings.json": settings}, ("--settings", file))


def _codex(setting: Setting) -> Prepared:
    provider = {"name": "Glassgate", "base_url": setting.v1, "env_key": KEY, "wire_api": "responses"}
    told: dict[str, Any] = {"model": setting.model, "model_provider": "glassgate"}
    told |= {f"model_providers.glassgate.{name}": value for name, value in provider.items()}
    if setting.context:
        told["model_context_window"] = setting.context
    # A JSON text is a TOML one.
    flags = [word for name, value in told.items() for word in ("-c", f"{name}={json.dumps(value, ensure_ascii=False)}")]
    return Prepared({KEY: setting.key}, arguments=tuple(flags))


def _opencode(setting: Setting) -> Prepared:
    model: dict[str, Any] = {"name": setting.model}
    if setting.context:
        model["limit"] = {"context": setting.context, "output": setting.output}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Glassgate",
        "options": {"baseURL": setting.v1, "apiKey": f"{{env:{KEY}}}"},
        "models": {setting.model: model},
    }
    config = {
        "$schema": "https://opencode.ai/config.json",
        "model": f"glassgate/{setting.model}",
        "small_model": f"glassgate/{setting.model}",
        "enabled_providers": ["glassgate"],
        "provider": {"glassgate": provider},
    }
    return Prepared({KEY: setting.key, "OPENCODE_CONFIG_CONTENT": json.dumps(config, ensure_ascii=False)})


def _aider(setting: Setting) -> Prepared:
    name = f"openai/{setting.model}"
    arguments = ["--model", name, "--weak-model", name, "--openai-api-base", setting.v1, "--no-show-model-warnings"]
    files = {}
    if setting.context:
        known: dict[str, Any] = {"max_input_tokens": setting.context, "max_output_tokens": setting.output}
        known |= {"litellm_provider": "openai", "mode": "chat"}
        files["models.json"] = _json({name: known})
        arguments += ["--model-metadata-file", str(setting.folder / "models.json")]
    environ = {"AIDER_OPENAI_API_KEY": setting.key, "OPENAI_API_KEY": setting.key, "OPENAI_BASE_URL": setting.v1}
    return Prepared(environ, files, tuple(arguments))


def _qwen(setting: Setting) -> Prepared:
    environ = {"OPENAI_API_KEY": setting.key, "OPENAI_BASE_URL": setting.v1, "OPENAI_MODEL": setting.model}
    return Prepared(environ, arguments=("--auth-type", "openai", "--model", setting.model))


def _cline(setting: Setting) -> Prepared:
    """Its daemon would outlive it, and keep the address and the key for whoever starts it next: it does without."""
    name = "openai-compatible"
    account = {"provider": name, "apiKey": setting.key, "model": setting.model, "baseUrl": setting.v1}
    entry = {"settings": account, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    known = {"version": 1, "lastUsedProvider": name, "providers": {name: entry}}
    file = "providers.json"
    environ = {"CLINE_PROVIDER_SETTINGS_PATH": str(setting.folder / file), "CLINE_SESSION_BACKEND_MODE": "local"}
    return Prepared(environ, {file: _json(known)})


def _continue(setting: Setting) -> Prepared:
    model: dict[str, Any] = {
        "name": setting.model,
        "provider": "openai",
        "model": setting.model,
        "apiBase": setting.v1,
        "apiKey": setting.key,
        "roles": ["chat", "edit", "apply"],
        "capabilities": ["tool_use"],
    }
    if setting.context:
        model["defaultCompletionOptions"] = {"contextLength": setting.context}
    config = {"name": "Glassgate", "version": "1.0.0", "schema": "v1", "models": [model]}
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    return Prepared({}, {"config.yaml": text}, ("--config", str(setting.folder / "config.yaml")))


def _goose(setting: Setting) -> Prepared:
    environ = {
        "GOOSE_PROVIDER": "openai",
        "GOOSE_MODEL": setting.model,
        "GOOSE_FAST_MODEL": setting.model,
        "OPENAI_HOST": setting.url,
        "OPENAI_BASE_PATH": "v1/chat/completions",
        "OPENAI_API_KEY": setting.key,
    }
    if setting.context:
        environ["GOOSE_CONTEXT_LIMIT"] = str(setting.context)
    return Prepared(environ)


def _crush(setting: Setting) -> Prepared:
    model: dict[str, Any] = {"id": setting.model, "name": setting.model, "default_max_tokens": setting.output}
    if setting.context:
        model["context_window"] = setting.context
    provider = {"name": "Glassgate", "type": "openai-compat", "base_url": setting.v1, "api_key": f"${KEY}"}
    chosen = {"provider": "glassgate", "model": setting.model}
    config = {
        "$schema": "https://charm.land/crush.json",
        "providers": {"glassgate": {**provider, "models": [model]}},
        "models": {"large": chosen, "small": chosen},
    }
    environ = {
        KEY: setting.key,
        "CRUSH_GLOBAL_CONFIG": str(setting.folder),
        "CRUSH_GLOBAL_DATA": str(setting.folder / "data"),
        "CRUSH_DISABLE_PROVIDER_AUTO_UPDATE": "1",
    }
    return Prepared(environ, {"crush.json": _json(config), "data/crush.json": "{}\n"})


def _llm(setting: Setting) -> Prepared:
    model = {
        "model_id": setting.model,
        "model_name": setting.model,
        "api_base": setting.v1,
        "api_key_name": "glassgate",
        "supports_tools": True,
        "supports_schema": True,
    }
    files = {
        "extra-openai-models.yaml": yaml.safe_dump([model], sort_keys=False),
        "keys.json": _json({"glassgate": setting.key}),
        "default_model.txt": setting.model,
    }
    return Prepared({"LLM_USER_PATH": str(setting.folder)}, files)


def _openai(setting: Setting) -> Prepared:
    return Prepared({"OPENAI_BASE_URL": setting.v1, "OPENAI_API_KEY": setting.key, "GLASSGATE_MODEL": setting.model})


def _anthropic(setting: Setting) -> Prepared:
    return Prepared(
        {"ANTHROPIC_BASE_URL": setting.url, "ANTHROPIC_API_KEY": setting.key, "GLASSGATE_MODEL": setting.model}
    )


PROGRAMS: Final = (
    Program(
        "claude",
        "Claude Code",
        _claude,
        "claude",
        "npm install -g @anthropic-ai/claude-code",
        (
            *_VENDORS,
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "CLAUDE_CODE_USE_FOUNDRY",
        ),
        ("claude-sonnet", "claude-opus", "claude"),
        "claude-code",
    ),
    Program(
        "codex",
        "Codex",
        _codex,
        "codex",
        "npm install -g @openai/codex",
        (*_VENDORS, "CODEX_API_KEY"),
        ("gpt-5", "codex", "gpt"),
        "codex",
    ),
    Program("opencode", "opencode", _opencode, "opencode", "npm install -g opencode-ai", _VENDORS, page="opencode"),
    Program("aider", "aider", _aider, "aider", "python -m pip install aider-chat", _VENDORS, page="aider"),
    Program(
        "qwen",
        "Qwen Code",
        _qwen,
        "qwen",
        "npm install -g @qwen-code/qwen-code",
        _VENDORS,
        ("qwen3-coder", "qwen"),
        "qwen-code",
    ),
    Program("cline", "Cline", _cline, "cline", "npm install -g cline", _VENDORS, page="cline"),
    Program("continue", "Continue", _continue, "cn", "npm install -g @continuedev/cli", _VENDORS, page="continue"),
    Program(
        "goose",
        "goose",
        _goose,
        "goose",
        "brew install block-goose-cli",
        (*_VENDORS, "GOOSE_LEAD_MODEL", "GOOSE_LEAD_PROVIDER", "GOOSE_PLANNER_MODEL", "GOOSE_PLANNER_PROVIDER"),
        page="others",
    ),
    Program("crush", "Crush", _crush, "crush", "npm install -g @charmland/crush", _VENDORS, page="others"),
    Program("llm", "llm", _llm, "llm", "python -m pip install llm", _VENDORS, page="others"),
    Program("openai", "a program with the OpenAI SDK", _openai, removed=_VENDORS, page="openai-sdk"),
    Program("anthropic", "a program with the Anthropic SDK", _anthropic, removed=_VENDORS, page="anthropic-sdk"),
)
OTHER_NAMES: Final = {"cn": "continue", "claude-code": "claude", "qwen-code": "qwen"}
NOT_SERVED: Final = {
    "gemini": "Gemini CLI asks in Google's own form (generateContent), which this gateway does not serve",
    "cursor": "Cursor asks its own servers, which cannot reach a gateway on this machine",
}
"""Programs that cannot work, and why."""
