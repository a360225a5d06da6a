"""What is too open, judged by where the gateway really listens; and files that hold keys."""

from pathlib import Path

import pytest

from addons.config.exposure import has_literal_keys, judge
from addons.config.key_sources import MOST_KEYS
from addons.config.yaml_reading import read_texts
from tests.config.written import STRONG, strong


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.0.2.7", "Localhost", "0"])
@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        pytest.param("auth: {skip: true}\n", {}, "loopback", id="skip"),
        pytest.param("", {"SKIP_AUTH_TOKEN": "true"}, "loopback", id="skip by environment"),
        pytest.param("", {"AUTH_TOKEN": "sk-not-so-long"}, "at least 32 bytes", id="short key"),
        pytest.param(
            "auth: {tokens: [sk-not-so-long]}\n", {"AUTH_TOKEN": STRONG}, "(auth.tokens[0]) is shorter", id="one short"
        ),
    ],
)
def test_the_listener_judges_not_the_file(
    tmp_path: Path, host: str, text: str, environ: dict[str, str], words: str
) -> None:
    found = strong(tmp_path, text, environ)  # the file itself says loopback
    assert not judge(found, ["127.0.0.1"])
    assert words in "\n".join(judge(found, ["127.0.0.1", host]))


def test_a_strong_key_may_be_shown_everywhere(tmp_path: Path) -> None:
    assert judge(strong(tmp_path), ["0.0.0.0", "::1"]) == []


def test_keys_are_bounded_in_number(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("".join(f"{STRONG}{i}\n" for i in range(MOST_KEYS + 1)))
    with pytest.raises(Exception, match="at most 1000"):
        strong(tmp_path, "auth: {tokens_file: keys}\n", {})


def test_a_key_no_client_can_send_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no request can carry"):
        strong(tmp_path, environ={"AUTH_TOKEN": "sk-0123456789\udcff"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("auth: {tokens: ['${A}', '${B:-}']}", False, id="by reference"),
        pytest.param("auth: {tokens: ['${A}', sk-literal]}", True, id="a key"),
        pytest.param("auth: {tokens: [{name: ada, key: sk-literal}]}", True, id="a named key"),
        pytest.param("auth: {tokens: [{name: ada, key: '${ADA}'}]}", False, id="a named key by reference"),
        pytest.param("auth: {tokens: ['${A:-sk-literal}']}", True, id="a default"),
        pytest.param("providers: {x: {accounts: [{credentials: {email: a, password: p}}]}}", True, id="a password"),
        pytest.param("providers: {x: {accounts: [{credentials: {password: '${P}'}}]}}", False, id="no password"),
        pytest.param("providers: {x: {headers: {Authorization: Bearer x}}}", True, id="a header"),
        pytest.param("providers: {x: {headers: {user-agent: x}}}", False, id="another header"),
        pytest.param("auth: {tokens: sk-literal}", True, id="one key"),
        pytest.param("auth: {tokens: '${A}'}", False, id="one key by reference"),
        pytest.param("auth: {tokens: {name: ada, key: sk-literal}}", True, id="one named key"),
        pytest.param("auth: {tokens: 12345678}", True, id="a key of digits"),
        pytest.param("auth: {tokens: [null, ~]}", False, id="no keys"),
        pytest.param("providers: {x: {accounts: {name: a, credentials: {password: p}}}}", True, id="one account"),
        pytest.param("providers: {x: {accounts: {a: {credentials: {password: p}}}}}", True, id="a table of accounts"),
        pytest.param("auth: [1]\nproviders: [2]", False, id="other shapes"),
        pytest.param("", False, id="nothing"),
        pytest.param("auth: {tokens: {a: b}}\nproviders: {x: {accounts: {a: b}, headers: [1]}}", False, id="odd"),
    ],
)
def test_keys_in_the_file_itself(text: str, expected: bool) -> None:
    assert has_literal_keys(read_texts(text).value) is expected
