"""What a stream and a whole message have in common: usage, ids, sources."""

from addons.dialects.messages.answer import CallIds, sources_text, usage_object, without_sources
from providers.contract.events import Citation, Usage


def test_the_input_is_told_without_what_was_cached() -> None:
    told = usage_object(Usage(10, 7, 17, cached_tokens=4))
    assert (told["input_tokens"], told["cache_read_input_tokens"], told["output_tokens"]) == (6, 4, 7)
    assert usage_object(Usage(10, 7, 17, cached_tokens=40))["input_tokens"] == 0
    assert usage_object(Usage(10, 7, 17, reasoning_tokens=3))["output_tokens_details"] == {"thinking_tokens": 3}


def test_ids_that_could_not_be_anthropics_are_made_anew() -> None:
    ids = CallIds("msg_1")
    given = ["toolu_01-a", "toolu_01-a", "a.b", "", None, "a" * 300, "é"]
    found = [ids.next(one) for one in given]
    assert found[0] == "toolu_01-a"
    assert len(set(found)) == len(given)
    assert all(one.startswith("toolu_") and len(one) == 30 for one in found[1:])


def test_sources_can_be_taken_off_again() -> None:
    words = "The cat [1]." + sources_text([Citation("https://a", "A\nB", "[1]")])
    assert words.endswith("\n- [A B](https://a)")
    assert without_sources(words + "\n") == "The cat [1]."
    assert without_sources("a\n\nSources:\n- [A](b)\nand more") == "a\n\nSources:\n- [A](b)\nand more"
    assert sources_text([]) == ""
