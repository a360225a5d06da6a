"""A prompt read as a model would read it."""

import json

from providers.sandbox.models.folded import read_messages, read_prompt
from providers.sandbox.models.shown import Tool, Turn

MARK = "abcd1234"
TOOL = {"name": "f", "description": "d", "parameters": {"type": "object"}}
BLOCK = f"<tools-{MARK}>\nwords\n{json.dumps(TOOL)}\nchoice: required\nparallel: no\n</tools-{MARK}>\n"


def test_a_lone_message_is_the_question_without_its_directive() -> None:
    shown = read_prompt("[x] Hello\n!sandbox pace_ms=0")
    assert (shown.turns, shown.tools, shown.question) == ((Turn("user", "[x] Hello"),), (), "[x] Hello")


def test_labelled_blocks_are_turns_and_the_contract_is_none_of_their_words() -> None:
    text = f"[System]\nBe kind.\n\n[User]\nHi\n\n[Assistant]\nHello\n\n[User Bob]\n{BLOCK}\nAnd now?"
    shown = read_prompt(text)
    assert [(turn.role, turn.text) for turn in shown.turns] == [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "And now?"),
    ]
    assert (shown.tools, shown.choice, shown.parallel, shown.mark) == (
        (Tool("f", "d", {"type": "object"}),),
        "required",
        False,
        MARK,
    )


def test_only_the_newest_mark_counts() -> None:
    other = BLOCK.replace(MARK, "00000000").replace('"f"', '"g"')
    shown = read_prompt(f"{other}Look at this.\n\n{BLOCK}Go")
    assert [tool.name for tool in shown.tools] == ["f"]
    assert "<tools-00000000>" in shown.question


def test_calls_and_results_stand_beside_the_words() -> None:
    call = f'<call-{MARK}>\n{{"id": "1", "name": "f", "arguments": {{"a": 1}}}}\n</call-{MARK}>'
    result = f'<result-{MARK} id="1" name="f">\na &lt; b\n</result-{MARK}>'
    shown = read_prompt(f"[User]\nGo\n\n[Assistant]\nI call.\n{call}\n\n[Tool result]\n{result}\n\n{BLOCK}")
    asked, called, given = shown.turns
    assert (asked.text, called.text, called.calls[0].arguments, called.calls[0].id) == ("Go", "I call.", {"a": 1}, "1")
    assert (given.results[0].text, given.results[0].name, given.results[0].id) == ("a &lt; b", "f", "1")
    assert (shown.question, len(shown.since)) == ("Go", 2)


def test_a_thread_s_turns_go_before_and_files_belong_to_the_newest() -> None:
    shown = read_prompt("What is it?", ["a picture"], [Turn("user", "Hi"), Turn("assistant", "Hello")])
    assert [turn.text for turn in shown.turns] == ["Hi", "Hello", "What is it?"]
    assert shown.files == ("a picture",)


def test_messages_with_roles_are_turns() -> None:
    shown = read_messages([("system", "Be kind."), ("user", f"{BLOCK}Go")])
    assert [(turn.role, turn.text) for turn in shown.turns] == [("system", "Be kind."), ("user", "Go")]


def test_a_form_of_any_object_has_no_schema() -> None:
    assert read_prompt(f"<format-{MARK}>\nschema: any object\n</format-{MARK}>\nHi").schema == {}
    assert read_prompt(f'<format-{MARK}>\nschema: {{"type":"object"}}\n</format-{MARK}>\nHi').schema == {
        "type": "object"
    }


def test_tools_that_an_earlier_message_of_the_thread_listed_still_hold() -> None:
    first = read_prompt('<tools-abcd1234>\n{"name": "f", "parameters": {}}\nchoice: auto\n</tools-abcd1234>\n\nhi')
    again = read_prompt("<tools-efgh5678>\nf\nchoice: required\n</tools-efgh5678>\n\ngo", earlier=first.turns)
    assert [tool.name for tool in again.tools] == ["f"]
    assert (again.choice, again.mark, again.question) == ("required", "efgh5678", "go")


def test_a_tool_that_people_call_otherwise_is_known_by_both_names() -> None:
    line = '{"name": "shell_run", "description": "(elsewhere called Bash) Runs it.", "parameters": {}}'
    (tool,) = read_prompt(f"<tools-abcd1234>\n{line}\n</tools-abcd1234>\n\nhi").tools
    assert (tool.name, tool.known, tool.description) == ("shell_run", "Bash", "Runs it.")
