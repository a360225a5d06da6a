"""The Qwen stand-in's pictures: for whoever shows the link's signature, and for no session."""

import pytest

from providers.sandbox.png import PNG
from providers.sandbox.qwen.frames import IMAGE_PATH, SECOND_IMAGE_PATH
from providers.sandbox.qwen.site import QwenSite
from tests.support.asked import ask


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (IMAGE_PATH, {}, 200),
        (IMAGE_PATH.partition("?")[0], {}, 403),
        (IMAGE_PATH, {"authorization": "Bearer x"}, 400),
        (IMAGE_PATH, {"cookie": "token=x"}, 400),
        (SECOND_IMAGE_PATH, {}, 302),
    ],
)
def test_a_link_is_all_that_is_needed(path: str, headers: dict[str, str], status: int) -> None:
    answer = ask(QwenSite(), "GET", path, None, **headers)
    assert answer.status == status
    assert (answer.body == PNG) is (status == 200)
