"""What is said at the start of sites that ask programs for a check."""

from addons.app.startup_hints import expected_checks
from providers.registry import provider_class


def made(name: str, **options: str) -> object:
    cls = provider_class(name)
    return cls(name, cls.Options.model_validate(options))


def test_the_real_sites_that_ask_for_a_check_are_named_and_no_others() -> None:
    providers = {name: made(name) for name in ("zai", "k2think", "qwen", "longcat")}
    words = expected_checks(providers)  # type: ignore[arg-type]  # made() tells no type
    assert words.startswith("zai, qwen: ")
    assert "provider_challenge" in words
    assert "Official API keys are the main road" in words


def test_stand_ins_and_apis_are_not_meant() -> None:
    providers = {
        "zai": made("zai", base_url="http://127.0.0.1:1"),
        "api": made("openai_compatible", base_url="https://api.example/v1"),
    }
    assert expected_checks(providers) == ""  # type: ignore[arg-type]
