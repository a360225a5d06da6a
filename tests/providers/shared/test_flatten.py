"""A conversation as one text: turns are labelled, files are named where there could be doubt."""

from providers.contract.chat import AttachedPart, ImagePart, Message, TextPart
from providers.shared.flatten import flatten

CAT, DOG = (AttachedPart("image", f"{name}.png", {"id": name}) for name in ("cat", "dog"))


def test_a_lone_user_turn_is_its_bare_words() -> None:
    assert flatten([Message("user", "hi")]) == "hi"
    assert flatten([Message("user", (TextPart("What"), CAT, TextPart("is it?"), CAT))]) == "What\nis it?"


def test_two_files_are_named_where_they_stand() -> None:
    told = flatten([Message("user", (TextPart("Before:"), CAT, TextPart("After:"), DOG, ImagePart("data:")))])
    assert told == "Before:\n(image: cat.png)\nAfter:\n(image: dog.png)"


def test_turns_are_labelled_and_their_files_named() -> None:
    told = flatten([Message("user", (CAT,)), Message("assistant", "Nice."), Message("tool", (TextPart("x"), DOG))])
    assert told == "[User]\n(image: cat.png)\n\n[Assistant]\nNice.\n\n[Tool result]\nx\n(image: dog.png)"
