"""Models that one section of config.yaml names and no provider of another serves."""

import logging
from pathlib import Path

import pytest

from addons.app.unserved_names import ALL_OFF, UnservedReport, unserved_of
from addons.config.configuration import Config
from addons.config.loader import load_config
from addons.config.providers import make_providers
from addons.routing.models import Models

LISTED = (
    "  alpha: {type: openai_compatible, preset: deepseek, models: [deepseek-chat, deepseek-reasoner], accounts: main}\n"
)
LIVE = "  beta: {type: openai_compatible, preset: groq, accounts: main}\n"
OFF = "  gone: {type: zai, enabled: off, accounts: main}\n"


def config(folder: Path, text: str) -> Config:
    file = folder / "config.yaml"
    file.write_text(text)
    return load_config(file, {"AUTH_TOKEN": "sk-0123456789"})


def told(folder: Path, providers: str, text: str) -> list[tuple[str, bool]]:
    found = unserved_of(config(folder, f"{text}\nproviders:\n{providers}"))
    return [(one.words.replace(f"{folder}/", ""), one.certain) for one in found]


CASES = {
    "an alias": (
        LISTED,
        "models: {aliases: {fast: deepsek-chat}}",
        "models.aliases.fast: no provider serves a model 'deepsek-chat'; did you mean 'deepseek-chat'?",
        True,
    ),
    "an alias that is more like what it stands for than any model": (
        LISTED,
        "models: {aliases: {gone: nope}}",
        "models.aliases.gone: no provider serves a model 'nope'",
        True,
    ),
    "an alias with the name of a model": (
        LISTED,
        "models: {aliases: {DeepSeek-Chat: deepseek-reasoner}}",
        "models.aliases.DeepSeek-Chat: a model has this name, and goes before the alias; give the alias another one",
        False,
    ),
    "an alias of an alias that ends nowhere": (
        LISTED,
        "models: {aliases: {fast: deepseek-chat, two: Fast, odd: odd}}",
        "models.aliases.odd: 'odd' is an alias that leads to no model",
        True,
    ),
    "a fallback": (
        LISTED,
        "routing: {fallbacks: {deepseek-chat: [deepseek-reasoner, gpt-nix]}}",
        "routing.fallbacks.deepseek-chat[1]: no provider serves a model 'gpt-nix'",
        True,
    ),
    "a fallback by its causes": (
        LISTED,
        "routing: {fallbacks: {deepseek-chat: {model: gpt-nix, on: context}}}",
        "routing.fallbacks.deepseek-chat[0]: no provider serves a model 'gpt-nix'",
        True,
    ),
    "the head of a chain": (
        LISTED,
        "routing: {fallbacks: {deepseek-caht: [deepseek-chat]}}",
        "routing.fallbacks.deepseek-caht: no provider serves a model 'deepseek-caht'; did you mean 'deepseek-chat'?",
        True,
    ),
    "a strategy": (
        LISTED,
        "routing: {strategies: {nix: weighted}}",
        "routing.strategies.nix: no provider serves a model 'nix'",
        True,
    ),
    "of a live list, perhaps": (
        LISTED + LIVE,
        "models: {aliases: {fast: gpt-nix}}",
        "models.aliases.fast: no provider serves a model 'gpt-nix' (the live list of beta may bring it; until then the "
        "answer is 404)",
        False,
    ),
    "of a provider without a live list": (
        LISTED + LIVE,
        "models: {aliases: {fast: alpha/gpt-nix}}",
        "models.aliases.fast: no provider serves a model 'alpha/gpt-nix'",
        True,
    ),
    "of a disabled provider": (
        LISTED + OFF,
        "routing: {fallbacks: {deepseek-chat: GLM-4.6}}",
        "routing.fallbacks.deepseek-chat[0]: 'GLM-4.6' is of provider 'gone', which is disabled (enabled: false)",
        False,
    ),
    "a pattern of a client key": (
        LISTED,
        "auth: {tokens: [{name: ada, key: sk-ada-0123456789, models: [alpha/*, deepsek-chat]}]}",
        "auth: the models of client key ada (auth.tokens[0]): 'deepsek-chat' fits no model that is served now; "
        "did you mean 'deepseek-chat'? (GET /v1/models lists them)",
        False,
    ),
    "a pattern of a client key that a live list may bring a model for": (
        LISTED + LIVE,
        "auth: {tokens: [{name: ada, key: sk-ada-0123456789, models: 'nix-*'}]}",
        "auth: the models of client key ada (auth.tokens[0]): 'nix-*' fits no model that is served now "
        "(GET /v1/models lists them); the live list of beta may bring one",
        False,
    ),
    "of a disabled provider by its name": (
        LISTED + OFF,
        "models: {aliases: {x: gone/whatever}}",
        "models.aliases.x: 'gone/whatever' is of provider 'gone', which is disabled (enabled: false)",
        False,
    ),
}


@pytest.mark.parametrize(("providers", "text", "words", "certain"), CASES.values(), ids=CASES)
def test_what_nobody_serves_is_told_with_its_line(
    tmp_path: Path, providers: str, text: str, words: str, certain: bool
) -> None:
    assert told(tmp_path, providers, text) == [(f"config.yaml:1: {words}", certain)]


def test_what_is_served_is_not_told(tmp_path: Path) -> None:
    text = """
models: {aliases: {fast: DeepSeek-Chat, one: alpha/deepseek-chat, 'claude-*': deepseek-reasoner}}
routing:
  fallbacks: {fast: [alpha/deepseek-chat, one, claude-opus], deepseek-chat: {model: fast, on: context}}
  strategies: {deepseek-chat: round_robin, fast: weighted}
"""
    assert told(tmp_path, LISTED, text) == []


def test_a_secret_for_a_model_is_not_repeated(tmp_path: Path) -> None:
    secret = "Zq7wErTyUiOpAsDfGhJk"
    text = f"models: {{aliases: {{fast: {secret}, {secret}: nix}}}}"
    assert len(told(tmp_path, LISTED, text)) == 2
    assert secret not in str(told(tmp_path, LISTED, text))


def test_all_providers_disabled_is_one_sentence(tmp_path: Path) -> None:
    assert told(tmp_path, OFF, "models: {aliases: {a: b}}") == [(f"config.yaml:2: providers: {ALL_OFF}", True)]


def test_the_log_has_each_once_and_doubtful_ones_when_the_sites_were_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "models: {aliases: {sure: alpha/nix, perhaps: nix}}\nproviders:\n"
    found = config(tmp_path, text + LISTED + LIVE)
    providers = make_providers(found)
    index = Models(providers, found.sections.models.aliases)()
    report = UnservedReport()
    with caplog.at_level(logging.INFO, "glassgate"):
        report.write(found, index, providers, asked=False)
        assert [(r.levelname, "sure" in r.message) for r in caplog.records] == [("ERROR", True)]
        report.write(found, index, providers, asked=True)
        report.write(found, index, providers, asked=True)
    assert [r.levelname for r in caplog.records] == ["ERROR", "WARNING"]
    assert "perhaps" in caplog.records[1].message
