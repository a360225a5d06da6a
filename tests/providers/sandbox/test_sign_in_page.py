"""The sign-in page of the stand-ins: the form of each site, in the page as data that cannot become markup."""

import json
import re
from typing import Any

import pytest

from providers.sandbox.run import SITES
from providers.sandbox.sign_in_page import FORMS, PATH, sign_in_page, sign_in_pages


def form(page: str) -> dict[str, Any]:
    found = re.search(r"const form = (\{.*\});", page)
    assert found
    read: dict[str, Any] = json.loads(found[1])
    return read


@pytest.mark.parametrize(
    ("name", "paths", "switches"),
    [
        ("zai", ("/api/v1/auths/signin", "/api/v1/auths/"), {"guest_first", "captcha"}),
        ("k2think", ("/api/v1/auths/signin", "/api/v1/auths/"), set()),
        ("qwen", ("/api/v2/auths/signin", "/api/v1/auths/"), {"hashed"}),
    ],
)
def test_a_page_signs_in_as_its_site_does(name: str, paths: tuple[str, str], switches: set[str]) -> None:
    page = sign_in_page(name)
    found = form(page)
    assert (found["sign_in"], found["who"]) == paths
    assert {switch for switch, on in found.items() if on is True} == switches
    assert "auto" not in found, "a person types"
    assert f"<title>{name} sandbox: sign in</title>" in page
    assert "FORM" not in page


def test_a_page_for_tests_signs_in_by_itself_and_its_words_stay_words() -> None:
    page = sign_in_page("zai", email="a@b.c", password="</script><b>FORM{x}")
    assert form(page)["auto"] == {"email": "a@b.c", "password": "</script><b>FORM{x}"}
    assert page.count("</script>") == 1


def test_sites_with_a_sign_in_have_a_page_and_others_none() -> None:
    assert {name for name in SITES if sign_in_pages(name)} == set(FORMS)
    assert sign_in_pages("zai") == {PATH: sign_in_page("zai")}
    assert sign_in_pages("openai") == {}
