"""What the adapters did not know is counted, kept, cleared and bounded."""

import json
from pathlib import Path

import pytest

from addons.recordings.drift import KIND_CHARS, KINDS_LIMIT, PROVIDERS_LIMIT, Drift


def test_unknown_kinds_are_counted_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o700)
    drift = Drift.load(tmp_path / "drift.json")
    with caplog.at_level("WARNING", "glassgate"):
        drift.count("zai", {"phase dreaming": 2}, 100, "req_1")
        drift.count("zai", {"phase dreaming": 1, "nothing": 0}, 200, "req_2")
    assert [record.getMessage() for record in caplog.records] == [
        "zai sent something this adapter does not know: phase dreaming (req_1)"
    ]
    drift.save()
    expected = {"zai": {"phase dreaming": {"count": 3, "last": 200, "example": "req_2"}}}
    assert Drift.load(tmp_path / "drift.json").plain() == expected


def test_a_site_that_invents_names_does_not_fill_the_disk(tmp_path: Path) -> None:
    drift = Drift(tmp_path / "drift.json")
    for number in range(KINDS_LIMIT + 50):
        drift.count("zai", {f"kind {number}": 1}, 1, "x")
    assert len(drift.found["zai"]) == KINDS_LIMIT


def test_what_was_counted_is_cleared_while_a_gateway_counts(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    drift = Drift.load(tmp_path / "drift.json")
    drift.count("zai", {"phase dreaming": 2}, 100, "req_1")
    drift.apply_clearing()
    assert drift.plain(), "what was not written down yet was cleared by nobody"
    drift.save()
    again = Drift.load(tmp_path / "drift.json")
    for one in (drift, again):
        one.apply_clearing()
        assert one.plain()
    (tmp_path / "drift.json").unlink()
    for one in (drift, again):
        one.count("zai", {"phase dreaming": 1}, 200, "req_2")
        one.apply_clearing()
        assert (one.plain(), one.unsaved()) == ({}, None)
    drift.count("zai", {"phase dreaming": 1}, 300, "req_3")
    drift.save()
    assert Drift.load(tmp_path / "drift.json").plain()["zai"]["phase dreaming"]["count"] == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"zai": 3}', '{"zai": {"a": {"count": "x"}}}'])
def test_a_damaged_count_is_begun_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "drift.json"
    file.write_text(content)
    file.chmod(0o600)
    assert Drift.load(file).plain() == {}


def filed(path: Path, value: object) -> Drift:
    path.parent.chmod(0o700)
    path.write_text(json.dumps(value))
    path.chmod(0o600)
    return Drift.load(path)


GOOD = {"count": 1, "last": 2, "example": "x"}


@pytest.mark.parametrize(
    "entry",
    [
        5,
        None,
        {},
        GOOD | {"count": 0},
        GOOD | {"count": -1},
        GOOD | {"count": 10**12 + 1},
        GOOD | {"count": True},
        GOOD | {"count": 1.0},
        GOOD | {"last": -1},
        GOOD | {"last": 10**11 + 1},
        GOOD | {"last": "2"},
        GOOD | {"example": 5},
    ],
)
def test_an_entry_that_is_none_is_passed_over_and_the_others_are_not(tmp_path: Path, entry: object) -> None:
    drift = filed(tmp_path / "drift.json", {"zai": {"odd": entry, "phase": GOOD}})
    assert drift.plain() == {"zai": {"phase": GOOD}}


def test_words_of_a_file_are_cleaned_and_shortened(tmp_path: Path) -> None:
    path = tmp_path / "drift.json"
    filed(path, {"zai": {"k\x1b[2J" + "x" * 300: GOOD | {"example": "y" * 300}}, "no name!": {"a": GOOD}})
    drift = Drift.load(path, lambda words: words.replace("x", "-"))
    [(kind, unknown_kind)] = drift.found["zai"].items()
    assert "\x1b" not in kind
    assert "x" not in kind
    assert len(kind) <= KIND_CHARS + 1
    assert len(unknown_kind.example) <= KIND_CHARS + 1
    assert set(drift.found) == {"zai"}


def test_of_a_forged_file_so_much_is_read(tmp_path: Path) -> None:
    many = {f"p{number}": {f"k{n}": GOOD for n in range(KINDS_LIMIT + 9)} for number in range(PROVIDERS_LIMIT + 9)}
    drift = filed(tmp_path / "drift.json", many)
    assert len(drift.found) == PROVIDERS_LIMIT
    assert {len(kinds) for kinds in drift.found.values()} == {KINDS_LIMIT}


def test_a_count_does_not_grow_without_end(tmp_path: Path) -> None:
    drift = Drift(tmp_path / "drift.json")
    for _ in range(2):
        drift.count("zai", {"a": 10**12}, 1, "x")
    assert drift.found["zai"]["a"].count == 10**12


def test_a_disk_that_takes_nothing_costs_a_line_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "nowhere").write_text("no folder")
    drift = Drift(tmp_path / "nowhere" / "drift.json")
    drift.count("zai", {"a": 1}, 1, "x")
    drift.save()
    assert "what was unknown cannot be written" in caplog.text
    assert drift.found


def test_it_is_written_when_something_has_changed_and_not_else(tmp_path: Path) -> None:
    drift = Drift(tmp_path / "drift.json")
    assert drift.unsaved() is None
    drift.count("zai", {"a": 0}, 1, "x")
    assert drift.unsaved() is None
    drift.count("zai", {"a": 1}, 1, "x")
    assert json.loads(drift.unsaved() or b"") == drift.plain()
    assert drift.unsaved() is None
