"""What is put into mitmweb's page: where it cannot be, the inspector is as mitmproxy made it."""

from typing import Any, cast

import pytest

from addons.mitm import web_look


def test_an_application_of_another_kind_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def add_handlers(self, *handlers: object) -> None:
            raise TypeError("other handlers are wanted")

    said: list[str] = []
    monkeypatch.setattr(web_look.log, "warning", lambda form, *words: said.append(form % words))
    web_look.serve_assets(cast(Any, Other()))
    assert said == ["mitmweb's page is shown as mitmproxy made it: other handlers are wanted"]
