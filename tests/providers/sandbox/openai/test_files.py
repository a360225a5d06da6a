"""The stand-in's files and batches (by the SDK: tests/providers/openai/test_resources.py)."""

from providers.sandbox.openai.files import Shelf


def test_each_file_has_an_id_of_its_own_also_after_one_is_gone() -> None:
    shelf = Shelf()
    first = shelf.add("a", "batch", b"1")
    del shelf.files[first["id"]]
    second = shelf.add("a", "batch", b"22")
    assert (first["id"] != second["id"], second["bytes"], shelf.contents[second["id"]]) == (True, 2, b"22")
