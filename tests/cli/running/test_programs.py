"""Each program's entry: it is led to the gateway, its key stands where no others can read it, all files are ours."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from addons.cli.running.program import Prepared, Setting, environment
from addons.cli.running.programs import KEY, PROGRAMS

ROOT = Path(__file__).parents[3]
SETTING = Setting("http://127.0.0.1:8123", "sk-the-key", "GLM-4.6", 128_000, Path("/tmp/of-the-run"))
BY_NAME = {program.name: program for program in PROGRAMS}
EACH = pytest.mark.parametrize("name", list(BY_NAME))


def prepared(name: str, setting: Setting = SETTING) -> Prepared:
    return BY_NAME[name].prepare(setting)


def all_told(found: Prepared) -> str:
    return "\n".join([*found.environ.values(), *found.files.values(), *found.arguments])


@EACH
@pytest.mark.parametrize("context", [None, 128_000])
def test_each_is_led_to_the_gateway_with_key_and_model(name: str, context: int | None) -> None:
    setting = Setting(SETTING.url, SETTING.key, SETTING.model, context, SETTING.folder)
    found = prepared(name, setting)
    told = all_told(found)
    assert "http://127.0.0.1:8123" in told
    assert "GLM-4.6" in told
    assert SETTING.key in told
    assert SETTING.key not in " ".join(found.arguments), "every user of the machine can read those"


@EACH
def test_files_are_temporary_and_named_where_they_are(name: str) -> None:
    found = prepared(name)
    for file in found.files:
        assert not file.startswith(("/", "."))
        assert ".." not in file
    if found.files:
        named = " ".join([*found.environ.values(), *found.arguments])
        assert str(SETTING.folder) in named


@EACH
def test_a_key_of_another_service_does_not_reach_it(name: str) -> None:
    program = BY_NAME[name]
    before = {"ANTHROPIC_API_KEY": "sk-ant-real", "OPENAI_API_KEY": "sk-real", "OPENAI_BASE_URL": "https://elsewhere"}
    before["ANTHROPIC_BASE_URL"] = "https://elsewhere"
    found = environment(before, program, prepared(name), SETTING.url)
    assert not {"sk-ant-real", "sk-real", "https://elsewhere"} & set(found.values())


@EACH
def test_each_has_a_page_and_says_how_it_is_installed(name: str) -> None:
    program = BY_NAME[name]
    page = (ROOT / "docs" / "clients" / f"{program.page or name}.md").read_text(encoding="utf-8")
    assert f"glassgate run {name}" in page
    assert bool(program.install) is bool(program.command)


@pytest.mark.parametrize("model", ["GLM-4.6", 'a "quoted" \\ one', "модель", "a/b:c"])
def test_names_of_models_are_quoted_in_every_form(model: str) -> None:
    setting = Setting(SETTING.url, SETTING.key, model, 1000, SETTING.folder)
    assert codex(prepared("codex", setting))["model"] == model
    assert json.loads(prepared("opencode", setting).environ["OPENCODE_CONFIG_CONTENT"])["model"] == f"glassgate/{model}"
    assert yaml.safe_load(prepared("continue", setting).files["config.yaml"])["models"][0]["model"] == model
    for name in ("claude", "cline", "crush", "aider"):
        for file, text in prepared(name, setting).files.items():
            assert json.loads(text) is not None, file
    assert yaml.safe_load(prepared("llm", setting).files["extra-openai-models.yaml"])[0]["model_id"] == model


# -- each in its own words ---------------------------------------------------------------------------------------------
def test_claude_takes_every_model_from_the_gateway_and_knows_its_context() -> None:
    """Its settings' `env` goes before that of the person's settings."""
    found = prepared("claude")
    names = [name for name in found.environ if name.endswith("_MODEL")]
    assert len(names) == 7
    assert {found.environ[name] for name in names} == {"GLM-4.6"}
    assert found.environ["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8123", "without /v1"
    assert found.environ["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "128000"
    assert found.arguments == ("--settings", "/tmp/of-the-run/settings.json")
    settings = json.loads(found.files["settings.json"])["env"]
    assert settings == {**found.environ, "ANTHROPIC_API_KEY": ""}


def codex(found: Prepared) -> dict[str, Any]:
    assert set(found.arguments[::2]) == {"-c"}
    return tomllib.loads("\n".join(found.arguments[1::2]))


def test_codex_gets_a_provider_of_its_own_by_flags() -> None:
    found = prepared("codex")
    told = codex(found)
    assert (told["model"], told["model_provider"], told["model_context_window"]) == ("GLM-4.6", "glassgate", 128_000)
    assert told["model_providers"]["glassgate"] == {
        "name": "Glassgate",
        "base_url": "http://127.0.0.1:8123/v1",
        "env_key": KEY,
        "wire_api": "responses",
    }
    assert found.environ == {KEY: "sk-the-key"}


def test_opencode_gets_its_configuration_in_the_environment() -> None:
    config = json.loads(prepared("opencode").environ["OPENCODE_CONFIG_CONTENT"])
    assert config["model"] == config["small_model"] == "glassgate/GLM-4.6"
    assert config["enabled_providers"] == ["glassgate"]
    provider = config["provider"]["glassgate"]
    assert provider["options"] == {"baseURL": "http://127.0.0.1:8123/v1", "apiKey": f"{{env:{KEY}}}"}
    assert provider["models"]["GLM-4.6"]["limit"] == {"context": 128_000, "output": 32_000}


def test_cline_and_continue_and_crush_have_a_file() -> None:
    cline = json.loads(prepared("cline").files["providers.json"])
    account = cline["providers"][cline["lastUsedProvider"]]["settings"]
    assert (account["baseUrl"], account["model"]) == ("http://127.0.0.1:8123/v1", "GLM-4.6")
    assert prepared("cline").environ["CLINE_SESSION_BACKEND_MODE"] == "local", "no daemon outlives it"
    model = yaml.safe_load(prepared("continue").files["config.yaml"])["models"][0]
    assert (model["apiBase"], model["capabilities"]) == ("http://127.0.0.1:8123/v1", ["tool_use"])
    assert model["defaultCompletionOptions"] == {"contextLength": 128_000}
    crush = json.loads(prepared("crush").files["crush.json"])
    assert crush["models"]["large"] == crush["models"]["small"] == {"provider": "glassgate", "model": "GLM-4.6"}
    assert crush["providers"]["glassgate"]["api_key"] == f"${KEY}"


def test_goose_and_aider_and_qwen() -> None:
    goose = prepared("goose").environ
    assert goose["OPENAI_HOST"] + "/" + goose["OPENAI_BASE_PATH"] == "http://127.0.0.1:8123/v1/chat/completions"
    aider = prepared("aider")
    assert aider.arguments[:4] == ("--model", "openai/GLM-4.6", "--weak-model", "openai/GLM-4.6")
    assert json.loads(aider.files["models.json"])["openai/GLM-4.6"]["max_input_tokens"] == 128_000
    assert prepared("qwen").arguments == ("--auth-type", "openai", "--model", "GLM-4.6")


def test_no_two_programs_have_one_name_and_all_names_can_name_a_key() -> None:
    assert len(BY_NAME) == len(PROGRAMS)
    assert all(re.fullmatch(r"[a-z]{2,20}", program.name) for program in PROGRAMS)
