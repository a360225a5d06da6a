"""The list of models, page by page."""

from providers.sandbox.anthropic.models import MODELS, page


def test_pages() -> None:
    whole = page({})
    assert isinstance(whole, dict)
    assert [one["id"] for one in whole["data"]] == list(MODELS)
    assert page({"after_id": list(MODELS)[-1]}) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert page({"limit": "0"}) == "limit: Input should be greater than or equal to 1"
    assert page({"limit": "1001"}) == "limit: Input should be less than or equal to 1000"
