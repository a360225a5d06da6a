"""What a program is told: the person's environment without what leads past the gateway."""

from pathlib import Path

import pytest

from addons.cli.running.program import Prepared, Program, Setting, environment

PROGRAM = Program("toy", "Toy", lambda setting: Prepared(), "toy", removed=("PAST_IT",))
URL = "http://127.0.0.1:8080"


def test_what_leads_past_the_gateway_is_taken_off() -> None:
    before = {"HOME": "/h", "PAST_IT": "x", "SESSION_ENCRYPTION_KEY": "the vault's"}
    assert environment(before, PROGRAM, Prepared({"BASE": URL}), URL) == {"HOME": "/h", "BASE": URL}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("known", ["", "*", "corp.example, 127.0.0.1"])
def test_no_proxy_is_asked_for_the_gateway(name: str, known: str) -> None:
    found = environment({name: "http://proxy:3128", "NO_PROXY": known}, PROGRAM, Prepared(), "http://10.1.2.3:8080")
    for names in (found["NO_PROXY"].split(","), found["no_proxy"].split(",")):
        assert {"127.0.0.1", "localhost", "::1", "10.1.2.3"} <= set(names)
        assert len(names) == len(set(names))
    assert found["NO_PROXY"].startswith(known.replace(" ", ""))


def test_without_a_proxy_nothing_is_said_of_it() -> None:
    assert environment({"NO_PROXY": "a"}, PROGRAM, Prepared(), URL) == {"NO_PROXY": "a"}


def test_a_setting_shows_no_key() -> None:
    setting = Setting(URL, "sk-secret", "m", 4000, Path("/t"))
    assert "sk-secret" not in repr(setting)
    assert "sk-secret" not in repr(Prepared({"K": "sk-secret"}, {"f": "sk-secret"}))
    assert (setting.v1, setting.output) == (f"{URL}/v1", 1000)
