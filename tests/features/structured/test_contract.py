"""The words by which JSON is asked for, and where they stand."""

from addons.features.structured.contract import asked_again, contract, placed
from addons.features.structured.wanted import WantedJson
from providers.contract.chat import ImagePart, Message, TextPart
from tests.features.structured.test_wanted import CITY

HI = Message("user", "hi")


def test_the_block() -> None:
    lines = contract(WantedJson(CITY, "town", "A town"), "abcd1234", tools=False).splitlines()
    assert (lines[0], lines[-1]) == ("<format-abcd1234>", "</format-abcd1234>")
    assert sum(line.startswith("schema: ") for line in lines) == 1
    assert any('schema: {"type":"object"' in line for line in lines)
    assert any("A town" in line for line in lines)
    assert any("(town)" in line for line in lines)
    assert not any("tool" in line for line in lines)


def test_the_block_for_any_object_beside_tools() -> None:
    block = contract(WantedJson(), "abcd1234", tools=True)
    assert "\nschema: any object\n" in block
    assert "tool" in block


def test_it_stands_before_the_newest_words_of_the_user() -> None:
    early = Message("user", "first")
    assert placed((early, Message("assistant", "yes"), HI), "B")[-1].content == "B\n\nhi"
    picture = ImagePart("data:,")
    assert placed((Message("user", (picture,)),), "B")[-1].content == (TextPart("B"), picture)
    for last in (Message("tool", "3", tool_call_id="c"), Message("assistant", "so"), Message("system", "be")):
        assert placed((HI, last), "B") == (HI, last, Message("user", "B"))
    assert placed((), "B") == (Message("user", "B"),)


def test_what_is_held_up_to_the_model_is_bounded() -> None:
    said, asked = asked_again("x" * 100_000, "it is long")
    assert len(said.text()) == 16_000
    assert "it is long" in asked.text()
