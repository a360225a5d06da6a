"""Every compiled pattern of the project takes linear time, whatever text it meets.

The patterns are found by walking the modules, so that a new one is judged without being named here. The texts are made
of each pattern's own words and of what has been quadratic before.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import addons
import providers
from addons.config.variables import substituted
from tests.support.growth import MOST_RATIO, growth

SIZE = 3000
SEEDS = (
    "a", "A", "1", " ", "\n", "\t", '"', "'", "\\", "<", ">", "@", ".", "-", "_", "=", "&", "?", ";", ":", "/", "~",
    "[", "{", "$", "^", "%", "†", "【", "é", "a.", "a@", "1.", "a-", "a b ", '\\"', "eyJ", "-eyJ", "eyJaaaaaaaa.",
    "://", "http://a", "bearer ", '"token":"', "~sealed~", "0f", "0f0f0f0f-", "<a ", "${a:-", "$'", "a=", "a;", "data:",
    "19",
)  # fmt: skip
ANCHORED = {
    "addons.dialects.responses.input_text._BEGINNING": "match",
    "addons.dialects.responses.input_text._PLAIN": "match",
    "addons.dialects.responses.named._ITEM_ID": "fullmatch",
    "addons.config.loader._VAULT_HINTS": "fullmatch",
    "addons.features.tools.forms.argument_stream._CLOSED": "match",
    "addons.features.tools.forms.argument_stream._ESCAPE": "match",
    "addons.features.tools.forms.argument_stream._HEAD": "match",
    "addons.features.tools.forms.argument_stream._MAYBE_ESCAPE": "match",
    "addons.features.tools.forms.argument_stream._MAYBE_HEAD": "match",
    "addons.features.tools.forms.argument_stream._MAYBE_QUOTE": "match",
    "addons.features.tools.forms.argument_stream.CLOSING_QUOTE": "match",
    "addons.features.tools.forms.argument_stream._RUN": "match",
    "addons.features.tools.arguments._INTEGER": "fullmatch",
    "addons.features.tools.forms.marked._HEAD": "match",
    "addons.features.tools.forms.tag_attributes._ATTRIBUTE": "match",
    "addons.features.tools.forms.tag_attributes._BARE": "match",
    "addons.features.tools.forms.tag_attributes.TAG_END": "match",
    "addons.features.tools.forms.tags.TAG_END": "match",
    "addons.features.tools.forms.written._CALL": "match",
    "addons.features.tools.forms.written._LINE_END": "match",
    "addons.features.tools.forms.written._SAID": "match",
    "addons.features.tools.forms.written._CALL_BEGUN": "match",
    "addons.features.tools.forms.written._SAID_BEGUN": "match",
    "addons.importing.powershell._TOKEN": "match",
    "addons.importing.shell_words._CMD_PIECE": "match",
    "addons.importing.shell_words._OF_CMD": "match",
    "addons.importing.shell_words._PIECE": "match",
    "addons.dialects.form._BOUNDARY": "fullmatch",
    "addons.dialects.form._FIRST_LINE": "match",
    "addons.framing.chunks._SIZE": "match",
    "addons.framing.chunks._TRAILER": "fullmatch",
    "providers.contract.call._SITE": "match",
    "providers.contract.provider._BARE": "fullmatch",
    "providers.k2think.marks._MORE": "match",
    "providers.k2think.whole._OPENING_TAG": "match",
    "providers.longcat.session._PAIR": "fullmatch",
    "addons.stream.credentials._SCHEME": "match",
    "addons.stream.request_head._PLAIN_LINE": "fullmatch",
    "addons.cli.setup.written._PLAIN_NAME": "fullmatch",
    "addons.cli.setup.written._PLAIN_VALUE": "fullmatch",
    "providers.formats.json_end._LEAD": "match",
    "providers.openai.tools._EMPTY_OBJECTS": "match",
    "providers.openai.tools._LEAD": "match",
    "providers.shared.retry_after._DURATION": "fullmatch",
    "providers.shared.retry_after._RESET": "fullmatch",
    "providers.formats.sse._NOTHING": "match",
    "providers.formats.word_frames._VALUE": "match",
    "providers.zai.stray_tags._STRAYS": "match",
}
"""Patterns that are looked for in one place of a text only, by this method."""
GUARDED: dict[str, Callable[[str], Any]] = {
    "addons.config.variables._VARIABLE": lambda text: substituted(text, lambda name, default: ""),
}
"""Patterns whose only user takes away first what would make them slow: that user is measured."""
_WORD = re.compile(r"[A-Za-z<\"$\[~]{2,}")


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Module, name and pattern of everything compiled at the level of a module, also in tuples and mappings."""
    for package in (addons, providers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__") or ".sandbox" in found.name or found.name == "addons.gateway":
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                for number, pattern in enumerate(_within(value)):
                    yield f"{found.name}.{name}[{number}]", pattern


def _within(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list) and depth:
        for item in value:
            yield from _within(item, depth - 1)


KNOWN = dict(patterns())


def texts(pattern: str) -> Iterator[str]:
    """Units of texts that are hard for this pattern, as far as its own words tell, and of those hard for others."""
    words = [word for word in _WORD.findall(re.sub(r"\\[a-zA-Z]", " ", pattern)) if len(word) > 1]
    yield from SEEDS
    for word in dict.fromkeys(words[:6]):
        yield word
        yield f"{word} "
        yield f"{word}="
        yield f'"{word}":"'
        yield f"<{word} "
        yield f"?{word}="


@pytest.mark.parametrize("name", KNOWN)
def test_a_pattern_takes_linear_time(name: str) -> None:
    pattern = KNOWN[name]
    source = pattern.pattern
    binary = isinstance(source, bytes)
    for unit in texts(source.decode() if binary else source):
        for lead in ("", "<think ", '"token":"', "bearer "):

            def work(size: int, unit: str = unit, lead: str = lead) -> Any:
                whole: Any = lead + unit * (size // len(unit))
                whole = whole.encode() if binary else whole
                place = name.partition("[")[0]
                if place in GUARDED:
                    return lambda: GUARDED[place](whole)
                if place in ANCHORED:
                    return lambda: (pattern.match(whole), pattern.fullmatch(whole))
                return lambda: (pattern.subn(whole[:0], whole), pattern.fullmatch(whole))

            assert growth(work, SIZE) < MOST_RATIO, f"{name} {source!r} on {lead!r} and {unit!r} …"


@pytest.mark.parametrize(("name", "method"), ANCHORED.items())
def test_an_anchored_pattern_is_used_as_such(name: str, method: str) -> None:
    module, _, short = name.rpartition(".")
    source = Path(str(importlib.import_module(module).__file__)).read_text()
    used = set(re.findall(rf"\b{short}\.(\w+)", source))
    assert used == {method}


def test_no_pattern_hides_in_a_call() -> None:
    hidden = re.compile(r"\bre\.(?:search|match|fullmatch|sub|subn|split|findall|finditer)\(")
    found = [
        path
        for package in (addons, providers)
        for path in Path(package.__path__[0]).rglob("*.py")
        if "sandbox" not in path.parts and hidden.search(path.read_text())  # stand-ins meet no stranger's text
    ]
    assert not found


def test_the_walk_finds_what_it_is_for() -> None:
    assert len(KNOWN) > 60
    assert "addons.inspect.pseudonyms._MAIL[0]" in KNOWN
    assert "providers.zai.errors._WORDS[3]" in KNOWN


def test_a_quadratic_pattern_is_caught() -> None:
    mail = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
    seen = (growth(lambda size: lambda: mail.search("a" * size), SIZE) for _ in range(3))
    assert any(ratio >= MOST_RATIO for ratio in seen)  # 16 of a quadratic one, and less while others are at work
