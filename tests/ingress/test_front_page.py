"""What stands at `/`: a page for a browser, JSON for a program; neither tells of accounts or models."""

import base64
import hashlib
import json
import re

from addons.ingress.front_page import front_page

URL = "http://127.0.0.1:8080/v1"


def test_a_program_gets_json() -> None:
    found = front_page(URL, page=False)
    told = json.loads(found.content or b"")
    assert found.headers["content-type"] == "application/json"
    assert (told["base_url"], told["models"], told["health"]) == (URL, "/v1/models", "/healthz")
    assert set(told) == {"name", "version", "base_url", "health", "models", "description"}


def test_a_browser_gets_a_page_whose_policy_allows_its_style_alone() -> None:
    found = front_page(URL, page=True)
    text = found.text or ""
    assert URL in text
    assert "<script" not in text
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = found.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert found.headers["x-frame-options"] == "DENY"


def test_where_it_was_reached_is_shown_as_text() -> None:
    text = front_page("http://<script>alert(1)</script>/v1", page=True).text or ""
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_both_forms_are_told_apart_by_caches_and_kept_by_none() -> None:
    for page in (True, False):
        headers = front_page(URL, page=page).headers
        assert (headers["cache-control"], headers["vary"]) == ("no-store", "Accept, Origin")
