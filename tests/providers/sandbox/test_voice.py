"""A directive's words go before the model's."""

import json

from providers.sandbox.script import greeting
from providers.sandbox.voice import scripted

TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
ASKED = f"<tools-abcd1234>\n{json.dumps(TOOL)}\nchoice: auto\n</tools-abcd1234>\nThe weather in Paris?"


def test_the_model_speaks_where_no_directive_does() -> None:
    assert "".join(scripted([("user", "Hi")]).pieces()) == greeting("Hi")
    assert "".join(scripted([("user", "Say hello")]).pieces()) == "hello"
    assert "".join(scripted([("user", "Say hello\n!sandbox text=no")]).pieces()) == "no"
    assert scripted([("user", "Say hello\n!sandbox count=2")]).pieces() == ["word ", "word "]
    assert "".join(scripted([("user", "Say hello\n!sandbox pace_ms=0")]).pieces()) == "hello"


def test_the_contract_in_a_prompt_is_obeyed() -> None:
    said = "".join(scripted([("system", "Be kind."), ("user", ASKED)]).pieces())
    call = json.dumps({"name": "get_weather", "arguments": {"city": "Paris"}})
    assert said == f"<call-abcd1234>\n{call}\n</call-abcd1234>"


def test_a_directive_stands_before_what_the_system_says_last() -> None:
    told = "[User]\nHi\n!sandbox text=no\n\n[System]\nYour environment"
    assert "".join(scripted([("user", told)]).pieces()) == "no"
    assert "".join(scripted([("user", f"{told}\n\n[Tool result a]\nrain")]).pieces()) != "no"
