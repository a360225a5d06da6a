"""curl's options: each takes what it takes, in every form it is written."""

import pytest

from addons.importing.curl import read_curl
from addons.importing.curl_options import FLAGS, SHORT, WITH_VALUE
from providers.contract.session import ObservedExchange

READ = frozenset({"url", "config"})
"""Options whose value is an address of its own, or that are refused."""


def seen(command: str) -> list[ObservedExchange]:
    return list(read_curl(command).exchanges)


def one(command: str) -> ObservedExchange:
    [found] = seen(command)
    return found


def value_of(name: str) -> str:
    return "a=b" if name in ("cookie", "header") else "https://swallowed.example"


@pytest.mark.parametrize("name", sorted(WITH_VALUE - READ))
def test_every_option_with_a_value_swallows_it(name: str) -> None:
    letters = [f"-{letter}" for letter, long in SHORT.items() if long == name]
    value = value_of(name)
    forms = [f"--{name} {value}", f"--{name}={value}", f"--{name} -sS", f"--{name} ''"]
    forms += [
        form for letter in letters for form in (f"{letter} {value}", f"{letter}{value}", f"-sSL{letter[1]} {value}")
    ]
    for form in forms:
        if name == "cookie" and form.endswith("-sS"):
            continue  # a file's name
        for command in (f"curl {form} https://a.example -H x-last:1", f"curl https://a.example {form} -Hx-last:1"):
            found = one(command)
            assert found.url == "https://a.example", command
            assert found.headers["x-last"] == "1", command


@pytest.mark.parametrize("name", sorted(FLAGS - {"next"}))
def test_every_flag_swallows_nothing(name: str) -> None:
    letters = "".join(letter for letter, long in SHORT.items() if long == name)
    for form in (f"--{name}", f"--no-{name}", f"-{letters}s" if letters else "-s"):
        found = one(f"curl {form} https://a.example -H x-last:1")
        assert (found.url, found.headers["x-last"]) == ("https://a.example", "1")


def test_the_table_is_whole() -> None:
    assert not WITH_VALUE & FLAGS
    assert set(SHORT.values()) <= WITH_VALUE | FLAGS
    assert (len(WITH_VALUE), len(FLAGS), len(SHORT)) == (151, 136, 59)
