""".env.example has every variable that Glassgate itself reads, and says nothing secret."""

import re

from addons.config.env_file import read_env
from tests.test_rooms import ROOT

TEXT = (ROOT / ".env.example").read_text(encoding="utf-8")


def test_every_variable_of_the_page_is_in_it() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    section = page.partition("\n## Environment\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z][A-Z_]+)(?:=\w+)?`", section))
    assert {"AUTH_TOKEN", "SESSION_ENCRYPTION_KEY"} <= named
    assert named <= set(re.findall(r"^#?([A-Z_]+)=", TEXT, re.MULTILINE))


def test_it_is_read_as_any_other_and_sets_nothing() -> None:
    assert not any(read_env(TEXT, {}).values())
