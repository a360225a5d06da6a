"""What a site takes of files: kinds, extensions, sizes, numbers."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from addons.errors import GatewayError
from addons.features.media.check import check_files
from addons.features.media.parts import file_parts
from providers.contract.chat import ImagePart, MediaKind, Message, OtherPart, Part
from providers.contract.uploads import Accepted, Uploads
from tests.support.media import JPEG, PDF, PNG, WAV, data_url


class Some(Uploads):
    valid_s: ClassVar[float] = 1.0

    def accepted(self, model: str) -> Mapping[MediaKind, Accepted]:
        return {
            "image": Accepted(frozenset({"png"}), 1000, 2),
            "document": Accepted(frozenset({"pdf"}), 1000, 1),
        }

    def upload(self, *_: Any) -> Any:
        raise AssertionError


class One(Some):
    one_kind: ClassVar[bool] = True


def image(data: bytes = PNG) -> ImagePart:
    return ImagePart(data_url(data))


def file(data: bytes = PDF, **more: str) -> OtherPart:
    return OtherPart("file", {"type": "file", "file": {"file_data": data_url(data), **more}})


def check(*parts: Part, uploads: Uploads | None = None, remote: bool = False) -> None:
    found = list(file_parts([Message("user", "x"), Message("user", parts)]))
    check_files(found, uploads or Some(), "p", "m", remote=remote)


def refused(*parts: Part, uploads: Uploads | None = None, remote: bool = False) -> tuple[str, str | None]:
    with pytest.raises(GatewayError) as caught:
        check(*parts, uploads=uploads, remote=remote)
    assert caught.value.status == 400
    return caught.value.message, caught.value.param


def test_what_is_taken_passes() -> None:
    check(image(), image(), file())
    check(file(PNG))  # by its bytes
    check(file(file_data=b64encode(PDF).decode()))  # base64 without a data: URL, as some clients send it


@pytest.mark.parametrize(
    ("parts", "why", "at"),
    [
        ((image(JPEG),), "pictures may be png", 0),
        ((image(PNG + bytes(1000)),), "larger than", 0),
        ((image(), image(), image()), "at most 2 pictures are taken in one request). Send fewer.", 2),
        ((image(), file(WAV)), "sounds are not carried", 1),
        ((file(filename="x"), file()), "at most 1 documents", 1),
        ((ImagePart("http://x.example/a.png"),), "config.yaml). Send the file itself, as a data: URL.", 0),
    ],
)
def test_what_is_not_is_refused_at_its_place(parts: tuple[Part, ...], why: str, at: int) -> None:
    message, param = refused(*parts)
    assert why in message
    assert param == f"messages[1].content[{at}]"


def test_one_kind_at_a_time_where_the_site_wants_it() -> None:
    assert "together" in refused(image(), file(), uploads=One())[0]
    check(image(), image(), uploads=One())


def test_addresses_are_counted_as_what_they_claim() -> None:
    at = ImagePart("https://x.example/a.png")
    check(at, at, remote=True)
    assert "at most 2" in refused(at, at, image(), remote=True)[0]
    video = OtherPart("video_url", {"video_url": {"url": "https://x.example/a.mp4"}})
    assert "videos are not carried" in refused(video, remote=True)[0]
    check(OtherPart("file", {"file": {"file_url": "https://x.example/a"}}), remote=True)
