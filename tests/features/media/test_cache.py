"""What sites have already: by account and content, for a while, and not without bound."""

from dataclasses import dataclass

from addons.features.media.cache import FileKey, UploadedFiles
from providers.contract.chat import AttachedPart

KEY = FileKey("https://x.example", "p", "a", "user-1", "00", "a.png")
PART = AttachedPart("image", "a.png", {"id": "1"})


@dataclass
class Clock:
    now: float = 5000.0

    def __call__(self) -> float:
        return self.now


def test_a_file_is_found_while_it_is_valid_by_whom_it_belongs_to() -> None:
    clock = Clock()
    files = UploadedFiles(clock)
    files.keep(KEY, PART, 60)
    assert files.find(KEY) is PART
    for other in (
        KEY._replace(account="b"),
        KEY._replace(provider="q"),
        KEY._replace(person="user-2"),
        KEY._replace(digest="01"),
        KEY._replace(name="b.png"),
        KEY._replace(site="https://y.example"),
    ):
        assert files.find(other) is None
    files.forget(KEY._replace(name="c.png"))
    clock.now += 60
    assert files.find(KEY) is None
    assert len(files) == 0


def test_the_one_used_longest_ago_goes_first() -> None:
    files = UploadedFiles(Clock(), most=2)
    first, second, third = (KEY._replace(digest=str(number)) for number in range(3))
    files.keep(first, PART, 60)
    files.keep(second, PART, 60)
    assert files.find(first)
    files.keep(third, PART, 60)
    assert len(files) == 2
    assert files.find(second) is None
    assert files.find(first)
