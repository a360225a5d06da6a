"""Pictures of tools' results go behind the row of results, as the user's."""

from providers.contract.chat import ImagePart, Message, TextPart
from providers.openai.result_pictures import shown_behind

PICTURE = ImagePart("data:image/png;base64,AAAA")


def test_pictures_stand_behind_the_row_of_results() -> None:
    found = shown_behind(
        [
            Message("tool", (TextPart("a"), PICTURE), tool_call_id="1"),
            Message("tool", (PICTURE,), tool_call_id="2"),
            Message("assistant", "ok"),
            Message("tool", (PICTURE,), tool_call_id="3"),
        ]
    )
    assert [(one.role, one.tool_call_id, one.text()[:7]) for one in found] == [
        ("tool", "1", "a"),
        ("tool", "2", "(shown "),
        ("user", None, "What th"),
        ("assistant", None, "ok"),
        ("tool", "3", "(shown "),
        ("user", None, "What th"),
    ]
    assert found[2].content == (TextPart(found[2].text()), PICTURE, PICTURE)


def test_what_came_in_this_form_stays_as_it_came() -> None:
    raw = Message("tool", (PICTURE,), tool_call_id="1", raw={"role": "tool"})
    words = Message("tool", (TextPart("a"),), tool_call_id="2")
    assert list(shown_behind([raw, words])) == [raw, words]
