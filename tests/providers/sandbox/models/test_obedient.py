"""The obedient model: told the contract of tools or a form, or plain words, it does what is asked."""

import json
from typing import Any

import pytest

from providers.sandbox.models.contract import written
from providers.sandbox.models.folded import read_prompt
from providers.sandbox.models.obedient import answer
from providers.sandbox.models.shown import Shown, Tool, Turn

MARK = "abcd1234"


def tool(name: str, about: str = "", required: str = "", **properties: Any) -> dict[str, Any]:
    needed = required.split() or list(properties)
    return {
        "name": name,
        "description": about,
        "parameters": {"type": "object", "properties": properties, "required": needed},
    }


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
WEATHER = tool("get_weather", "Current weather of a city", "city", city=TEXT, unit={"enum": ["celsius", "fahrenheit"]})
TIME = tool("get_time", "Current time in a city", city=TEXT)
MAGIC = tool("magic_function", "Applies a magic function to an input.", input=WHOLE)
AGENT = (
    tool("write", "Writes a file", filePath={**TEXT, "description": "The absolute path"}, content=TEXT),
    tool("read", "Reads a file", filePath=TEXT),
    tool("bash", "Runs a command", "command", command=TEXT, description=TEXT),
    tool("edit", "Changes a file", filePath=TEXT, oldString=TEXT, newString=TEXT),
)


def contract(*tools: dict[str, Any], choice: str = "auto", parallel: str = "yes") -> str:
    lines = [json.dumps(one) for one in tools]
    form = f'<call-{MARK}>\n{{"name": "TOOL", "arguments": {{…}}}}\n</call-{MARK}>'
    words = ["These are tools.", *lines, "To call one:", form, f"choice: {choice}", f"parallel: {parallel}"]
    return "\n".join([f"<tools-{MARK}>", *words, f"</tools-{MARK}>", "", ""])


def calls(prompt: str) -> list[tuple[str, Any]]:
    return [(call.name, call.arguments) for call in answer(read_prompt(prompt)).calls]


PARIS, LONDON = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "London"})


@pytest.mark.parametrize(
    ("told", "question", "expected"),
    [
        ({}, "What is the weather in Paris?", [PARIS]),
        ({}, "What is the weather in Paris and London?", [PARIS, LONDON]),
        ({"parallel": "no"}, "What is the weather in Paris and London?", [PARIS]),
        ({}, "Call get_weather for Paris and get_time for Tokyo.", [PARIS, ("get_time", {"city": "Tokyo"})]),
        ({}, "Use get_weather with unit fahrenheit in Rome", [("get_weather", {"city": "Rome", "unit": "fahrenheit"})]),
        ({"choice": "none"}, "What is the weather in Paris?", []),
        ({}, "Hi", []),
        ({}, "Reply with exactly: weather", []),
        ({}, "Do not use any tools. What is the weather in Paris?", []),
        ({"choice": "required"}, "The weather in Paris, please", [PARIS]),
        ({"choice": "get_time"}, "The weather in Paris, please", [("get_time", {"city": "Paris"})]),
    ],
)
def test_tools_are_called_as_the_words_and_the_choice_have_it(
    told: dict[str, str], question: str, expected: list[tuple[str, Any]]
) -> None:
    assert calls(contract(WEATHER, TIME, **told) + question) == expected


def test_a_call_that_must_be_made_is_made_whatever_is_asked() -> None:
    ((name, arguments),) = calls(contract(WEATHER, TIME, choice="required") + "Hi")
    assert (name, list(arguments)) == ("get_weather", ["city"])


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Create a file hello.txt with content Hello World.",
            ("write", {"filePath": "/w/hello.txt", "content": "Hello World"}),
        ),
        ("Read notes.txt and tell me what it says", ("read", {"filePath": "notes.txt"})),
        ("In a.py replace foo with bar", ("edit", {"filePath": "a.py", "oldString": "foo", "newString": "bar"})),
        ("run `ls -la` please", ("bash", {"command": "ls -la"})),
        ("What is magic_function(3)?", ("magic_function", {"input": 3})),
    ],
)
def test_an_agent_s_tools_are_called_for_what_is_to_be_done(question: str, expected: tuple[str, Any]) -> None:
    system = "[System]\nYou are an agent that writes code and runs tools.\nWorking directory: /w\n\n[User]\n"
    assert calls(system + contract(*AGENT, MAGIC) + question) == [expected]


HISTORY = f"""[User]
What is the weather in Paris?

[Assistant]
<call-{MARK}>
{{"id": "c1", "name": "get_weather", "arguments": {{"city": "Paris"}}}}
</call-{MARK}>

[Tool result]
<result-{MARK} id="c1" name="get_weather">
18 degrees, light rain
</result-{MARK}>

"""


def test_results_are_answered_from_and_nothing_is_called_again() -> None:
    said = answer(read_prompt(HISTORY + contract(WEATHER)))
    assert (said.calls, "18 degrees, light rain" in said.text) == ((), True)


def test_what_has_no_result_yet_is_called_next() -> None:
    prompt = HISTORY.replace("in Paris?", "in Paris and London?") + contract(WEATHER, parallel="no")
    assert calls(prompt) == [LONDON]


def test_a_new_question_after_results_is_a_question() -> None:
    assert calls(HISTORY + "[User]\nWhat about London?\n\n" + contract(WEATHER, TIME)) == [LONDON]


def test_a_form_is_filled() -> None:
    schema = {"type": "object", "properties": {"name": TEXT, "age": WHOLE}, "required": ["name", "age"]}
    prompt = f"<format-{MARK}>\nAnswer in JSON.\nschema: {json.dumps(schema)}\n</format-{MARK}>\nJason is 25 years old"
    shown = read_prompt(prompt)
    assert json.loads(written(answer(shown), shown)) == {"name": "Jason", "age": 25}


@pytest.mark.parametrize(
    ("question", "keys"),
    [
        ("A joke as JSON with `setup` and `punchline` keys.", {"setup", "punchline"}),
        ('Return {"ok": true}', {"ok"}),
        ("Anything", {"answer"}),
    ],
)
def test_any_object_has_the_keys_that_are_asked_for(question: str, keys: set[str]) -> None:
    prompt = f"<format-{MARK}>\nJSON.\nschema: any object\n</format-{MARK}>\n{question}"
    assert set(answer(read_prompt(prompt)).value) == keys


def test_a_schema_in_plain_words_is_filled_too() -> None:
    schema = {"type": "object", "properties": {"age": WHOLE}, "required": ["age"]}
    system = f"Answer with JSON of this schema within a ```json codeblock:\n{json.dumps(schema)}"
    shown = Shown((Turn("system", system), Turn("user", "Jason is 25 years old")))
    assert answer(shown).text == '```json\n{"age": 25}\n```'


def test_a_tool_that_ends_the_work_is_called_with_the_answer() -> None:
    ending = Tool("attempt_completion", "", tool("x", result=TEXT)["parameters"])
    (call,) = answer(Shown((Turn("user", "Reply with exactly: done"),), (ending,))).calls
    assert call.arguments == {"result": "done"}


def test_an_answer_that_is_asked_for_once_more_is_to_the_question_before() -> None:
    turns = (Turn("user", "Jason is 25 years old"), Turn("assistant", "{}"), Turn("user", "Not so. Answer once more."))
    schema = {"type": "object", "properties": {"age": WHOLE}, "required": ["age"]}
    assert answer(Shown(turns, schema=schema)).value == {"age": 25}
    assert answer(Shown(turns[2:], schema=schema)).is_value


LONG = (
    "x",
    "1",
    "A",
    "1 + ",
    "a.",
    "a/",
    "a@",
    "'a ",
    "say ",
    "{ schema",
    "what is my ",
    "in Xa ",
    "replace a ",
    "[User]\n",
)


@pytest.mark.parametrize("piece", LONG)
def test_prompts_of_any_length_are_answered(piece: str) -> None:
    fields = tool("write_file", path=TEXT, content=TEXT, count=WHOLE, city=TEXT)
    assert calls(contract(fields, choice="required") + piece * (100_000 // len(piece)))
    assert read_prompt(piece * 20_000).turns


def test_files_are_told() -> None:
    assert "picture (PNG" in answer(read_prompt("What is this?", ["picture (PNG, 2x3)"])).text


def test_a_conversation_is_summed_up_for_who_asks() -> None:
    asked = Turn("user", "Your task is to create a detailed summary of the conversation so far.")
    turns = (Turn("user", "My name is Ann."), Turn("assistant", "Hello."), asked)
    said = answer(Shown(turns, tools=(Tool("Read"),))).text
    assert said == "<summary>\nWhat was said:\nMy name is Ann.\nHello.\n</summary>"
