"""The form of an API: without a word said of it, it is OpenAI's own."""

from providers.openai.form import Form
from providers.openai.options import OpenAIOptions


def test_an_api_of_which_nothing_is_said_has_openais_form() -> None:
    form = OpenAIOptions(base_url="https://api.example/v1").form()
    assert form == Form()
    assert (form.chat_path, form.images_edits_path, form.paths) == ("chat/completions", "images/edits", {})


def test_the_paths_of_config_are_joined_with_those_of_the_preset() -> None:
    form = OpenAIOptions(base_url="https://api.example/v1", paths={"rerank": "/v2/rerank"}).form()
    assert form.paths == {"rerank": "/v2/rerank"}
