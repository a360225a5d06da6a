import pytest

from tests.features.tools.reading import CLOSE, OPEN, read_anyhow

READ = ("read", {"path": "a"})
CALL = '{"name": "read", "arguments": {"path": "a"}}'
OTHER = f"<call-aaaaaaaa>{CALL}</call-aaaaaaaa>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f"```js\nlet a = {CALL}\n```\n", "```js\nlet a = " + CALL + "\n```", id="code"),
        pytest.param(f"Say `{CALL}`.", f"Say `{CALL}`.", id="between back ticks"),
        pytest.param(f"{OTHER}\n", OTHER, id="an envelope with another mark"),
        pytest.param(f"<CALL-X1>{CALL}</CALL-X1> ", f"<CALL-X1>{CALL}</CALL-X1>", id="one in capitals"),
    ],
)
def test_what_is_quoted_is_text_and_our_own_form_behind_it_a_call(text: str, said: str) -> None:
    assert read_anyhow(text).text == text
    assert read_anyhow(text).calls == []
    found = read_anyhow(f"{text}{OPEN}{CALL}{CLOSE}")
    assert (found.text, found.calls) == (said, [READ])


def test_our_own_form_counts_in_code_that_has_no_end() -> None:
    found = read_anyhow(f"```\nx\n{OPEN}{CALL}{CLOSE}")
    assert (found.text, found.calls) == ("```\nx", [READ])
