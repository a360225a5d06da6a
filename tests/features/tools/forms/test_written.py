import pytest

from tests.features.tools.reading import read_anyhow

READ = ("read", {"path": "a"})


@pytest.mark.parametrize(
    "text",
    [
        'read({"path": "a"})',
        'read({"path": "a"});',
        "read({'path': 'a'})",
        '```\nread({"path": "a"})\n```',
        '调用函数: read 参数: {"path": "a"}',
        '调用工具：read，参数：{"path": "a"}',
    ],
)
def test_a_written_call_is_a_line_of_its_own(text: str) -> None:
    found = read_anyhow(f"Hi.\n{text}\n")
    assert (found.text, found.calls) == ("Hi.", [READ])


@pytest.mark.parametrize(
    "text",
    [
        'x = read({"path": "a"})',
        'read({"path": "a"}).then(x)',
        'unread({"path": "a"})',
        "read(path)",
        "read",
        "re",
        "调用函数: other 参数: {}",
        "调用",
        'read({"path": "a"}',
    ],
)
def test_any_other_is_text(text: str) -> None:
    found = read_anyhow(text)
    assert (found.text, found.calls) == (text, [])
