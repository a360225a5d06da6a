"""How mitmproxy must stand for a capture: loopback, the provider's hosts alone, nothing kept or shown."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.options import Options

from addons.capturing.page import HOST
from addons.capturing.setup import TIMEOUT_S, add_options, check, decrypt_nothing, host_patterns, port_of
from addons.cli.base import Problem
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai


class WebMaster:
    """Named as mitmweb's."""

    def __init__(self, options: Options) -> None:
        self.options = options


def options(**more: Any) -> Options:
    made = Options(listen_host="127.0.0.1")
    for name in ("save_stream_file", "hardump", "rfile"):
        made.add_option(name, str, "", "")
    made.add_option("client_replay", list, [], "")
    made.update(**more)
    return made


def checked(given: Options, kind: type = SimpleNamespace) -> None:
    check(cast(Master, kind(options=given)))


@pytest.mark.parametrize("mode", [["regular"], ["regular@8081"], ["upstream:http://127.0.0.1:1"], []])
def test_an_ordinary_local_proxy_may_begin(mode: list[str]) -> None:
    checked(options(mode=mode))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"listen_host": "0.0.0.0"}, "loopback only"),
        ({"listen_host": ""}, "loopback only"),
        ({"mode": ["reverse:http://127.0.0.1:1"]}, "ordinary local proxy"),
        ({"mode": ["socks5"]}, "ordinary local proxy"),
        ({"mode": ["regular", "transparent"]}, "ordinary local proxy"),
        ({"mode": ["regular@0.0.0.0:8081"]}, "ordinary local proxy"),
        ({"save_stream_file": "flows"}, "leave out the option save_stream_file"),
        ({"hardump": "x.har"}, "leave out the option hardump"),
        ({"client_replay": ["x"]}, "leave out the option client_replay"),
        ({"rfile": "x"}, "leave out the option rfile"),
    ],
)
def test_what_would_show_keep_or_open_it_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as caught:
        checked(options(**more))
    assert words in caught.value.format_message()


@pytest.mark.parametrize("name", ["WebMaster", "ConsoleMaster"])
def test_a_window_that_shows_flows_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="mitmdump only"):
        checked(options(), type(name, (WebMaster,), {}))


def test_nothing_is_decrypted_before_the_provider_is_known_and_nothing_printed_later() -> None:
    made = options()
    made.add_option("flow_detail", int, 1, "")
    made.add_option("connection_strategy", str, "eager", "")
    decrypt_nothing(made)
    assert made.allow_hosts == ["^$"]
    assert not re.search(made.allow_hosts[0], "chat.z.ai:443")
    assert (made.flow_detail, made.connection_strategy, made.upstream_cert) == (0, "lazy", False)
    assert "onboarding" not in made


def test_the_options_of_a_capture_have_their_defaults() -> None:
    loader = Mock()
    add_options(loader)
    assert {call.args[0]: call.args[2] for call in loader.add_option.call_args_list} == {
        "capture_config": "config.yaml",
        "capture_provider": "",
        "capture_account": "",
        "capture_timeout_s": TIMEOUT_S,
    }


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("chat.z.ai:443", True),
        (f"{HOST}:80", True),
        (f"{HOST}:443", True),
        ("chat.z.ai:80", False),
        ("chatxz.ai:443", False),
        ("www.chat.z.ai:443", False),
        ("chat.z.ai:4433", False),
        ("chat.z.ai.evil.example:443", False),
        ("accounts.google.com:443", False),
    ],
)
def test_the_providers_hosts_are_looked_into_and_no_others(host: str, seen: bool) -> None:
    patterns = host_patterns(cast(Any, Zai("zai", ZaiOptions())))
    assert any(re.search(pattern, host, re.IGNORECASE) for pattern in patterns) is seen


def test_a_provider_of_an_address_with_a_port() -> None:
    own = OpenAICompatible("p", OpenAIOptions(base_url="http://127.0.0.1:9/v1"))
    assert host_patterns(cast(Any, own))[0] == r"^127\.0\.0\.1:9$"


@contextmanager
def listening(*addresses: tuple[str, int]) -> Iterator[Proxyserver]:
    yield cast(Proxyserver, SimpleNamespace(listen_addrs=lambda: list(addresses)))


def test_the_port_is_the_one_it_listens_on() -> None:
    with listening(("127.0.0.1", 8081), ("::1", 8082)) as server:
        assert port_of(server) == 8081
    for none in (nullcontext(None), listening()):
        with none as server, pytest.raises(Problem, match="could not listen"):
            port_of(server)
