from typing import Any

import pytest

from tests.features.tools.reading import read_anyhow

READ = ("read", {"path": "a"})
FULL = ("read", {"path": "a b", "limit": 3})


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        pytest.param(
            "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a b</arg_value>\n<arg_key>limit</arg_key>\n"
            "<arg_value>3</arg_value>\n</tool_call>",
            [FULL],
            id="GLM",
        ),
        pytest.param("<tool_call>read<arg_key>path<arg_value>a", [READ], id="GLM, no closers"),
        pytest.param("read<arg_key>path</arg_key><arg_value>a</arg_value>", [READ], id="GLM, no opener"),
        pytest.param(
            "<tool_call><tool_name>read</tool_name><arg_key>path</arg_key><arg_value>a</arg_value></tool_call>",
            [READ],
            id="GLM, tool_name",
        ),
        pytest.param("<tool_call>list_all</tool_call>", [("list_all", {})], id="a name alone"),
        pytest.param('<tool_call>{"name": "read", "arguments": {"path": "a"}}</tool_call>', [READ], id="JSON"),
        pytest.param('<tool_call>{"name": "read", "arguments": {"path": "a"}}', [READ], id="JSON, no closer"),
        pytest.param('<tool_call>read\n{"path": "a"}{"path": "a"}</tool_call>', [READ, READ], id="glued"),
        pytest.param(
            '<function_call name="list_all">{"name": "read", "arguments": {"path": "a"}}</function_call>',
            [READ],
            id="the name in the body goes before",
        ),
        pytest.param('<tool name="read">{"path": "a"}</tool>', [READ], id="the name is an attribute"),
        pytest.param(
            "<tool_call>\n<function=read>\n<parameter=path>\na\n</parameter>\n</function>\n</tool_call>",
            [READ],
            id="Qwen's coder",
        ),
        pytest.param(
            '<｜DSML｜function_calls><｜DSML｜invoke name="read"><｜DSML｜parameter name="path" string="true">a'
            "</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>",
            [READ],
            id="DSML",
        ),
        pytest.param(
            '<tool_calls><read path="a"/><list_all/></tool_calls>', [READ, ("list_all", {})], id="closed in itself"
        ),
        pytest.param("<read><path>a</path></read>", [READ], id="elements"),
        pytest.param(
            '<tool><name>read</name><arguments>{"path": "a"}</arguments></tool>', [READ], id="name, arguments"
        ),
        pytest.param('<read path="&quot;&amp;&lt;"/>', [("read", {"path": '"&<'})], id="entities of attributes"),
    ],
)
def test_calls_in_tags(text: str, calls: list[Any]) -> None:
    found = read_anyhow(f"Hi.\n{text}\n")
    assert (found.text, found.calls, found.reason) == ("Hi.", calls, "tool_calls")


@pytest.mark.parametrize(
    "text",
    [
        "The <tool_call> tag encloses a call.",
        "<tool_call>unknown<arg_key>path</arg_key><arg_value>a</arg_value></tool_call>",
        "<tool_call>read</tool_call>",
        '<read limit="x"/>',
        "<invoke>words</invoke>",
        "<p>read</p> <tools> </tool_call>",
        "<read",
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    found = read_anyhow(text)
    assert (found.text, found.calls) == (text, [])


def test_what_the_request_holds_is_no_call() -> None:
    text = '<read path="a"/>'
    assert read_anyhow(text, quoted=lambda said: said == text).calls == []
