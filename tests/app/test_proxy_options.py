"""mitmproxy's own options: every one of them has been decided on."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import options
from mitmproxy.tools.dump import DumpMaster
from mitmproxy.tools.web.master import WebMaster

from addons.app.proxy_options import DEAD_END, REFUSED, WARNED, is_our_mode, misspelt, refused, unknown, warned
from tests.support.self_signed import make_certificate

_NAMES = """
add_upstream_certs_to_client_chain anticache anticomp block_list block_private body_size_limit cert_passphrase certs
client_certs client_replay_concurrency command_history confdir connect_addr
console_focus_follow content_view_lines_cutoff dns_name_servers dns_use_hosts_file dumper_default_contentview
dumper_filter export_preserve_original_ip flow_detail hardump http2 http2_ping_keepalive http3
http_connect_send_host_header intercept intercept_active keep_alt_svc_header keepserving key_size listen_host
listen_port normalize_outbound_headers onboarding onboarding_host protobuf_definitions rawtcp readfile_filter
request_client_cert rfile save_stream_file save_stream_filter scripts server server_replay_extra
server_replay_ignore_content server_replay_ignore_host server_replay_ignore_params
server_replay_ignore_payload_params server_replay_ignore_port server_replay_kill_extra server_replay_nopop
server_replay_refresh server_replay_reuse server_replay_use_headers show_ignored_hosts showhost
store_streamed_bodies strip_ech tcp_timeout
termlog_verbosity tls_ecdh_curve_client tls_ecdh_curve_server tls_version_client_max tls_version_server_max
upstream_cert view_filter view_order view_order_reversed web_columns web_open_browser web_password web_port
web_static_viewer websocket
"""
HARMLESS = frozenset(_NAMES.split())
"""They show, keep or restrict, or belong to modes that are refused. `listen_host` is judged with the keys."""

OURS = {"mode": [DEAD_END], "connection_strategy": "lazy", "keep_host_header": True}


async def known() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for master in (DumpMaster, WebMaster):
        given = options.Options()
        master(given)  # its addons add their options
        found |= {name: getattr(given, name) for name in given.keys()}  # noqa: SIM118
    return found


def test_every_option_of_this_mitmproxy_is_decided() -> None:
    names = set(asyncio.run(known()))
    assert names == HARMLESS | set(REFUSED) | set(WARNED)


def test_the_gateway_runs_with_the_defaults_and_its_own_mode() -> None:
    found = asyncio.run(known()) | OURS
    assert refused(found) == []
    assert warned(found) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssl_insecure", True),
        ("validate_inbound_headers", False),
        ("keep_host_header", False),
        ("connection_strategy", "eager"),
        ("web_host", "0.0.0.0"),
        ("web_host", ""),
        ("web_debug", True),
        ("proxy_debug", True),
        ("mode", ["regular"]),
        ("mode", [DEAD_END, "regular@8081"]),
        ("mode", [DEAD_END, "socks5"]),
        ("mode", ["transparent"]),
        ("mode", ["upstream:http://127.0.0.1:1"]),
        ("mode", ["reverse:tcp://127.0.0.1:1"]),
        ("mode", ["reverse:https://127.0.0.1:1"]),
        ("mode", ["reverse:dns://127.0.0.1:1"]),
        ("mode", ["wireguard"]),
        ("mode", ["local"]),
        ("mode", ["dns"]),
        ("mode", ["nothing like it"]),
        ("ignore_hosts", [".*"]),
        ("allow_hosts", ["x"]),
        ("tcp_hosts", ["x"]),
        ("udp_hosts", ["x"]),
        ("map_remote", ["|a|b"]),
        ("map_local", ["|a|b"]),
        ("server_replay", ["file"]),
        ("client_replay", ["file"]),
        ("stickyauth", ""),
        ("stickycookie", "."),
        ("stream_large_bodies", "1"),
        ("tls_version_server_min", "TLS1"),
        ("upstream_auth", "a:b"),
        ("proxyauth", "a:b"),
        ("ciphers_server", "NULL"),
        ("ciphers_server", "eNULL:@SECLEVEL=0"),
        ("ciphers_server", "ALL"),
        ("ciphers_server", "nothing like it"),
        ("ssl_verify_upstream_trusted_ca", os.devnull),
        ("ssl_verify_upstream_trusted_ca", "/nowhere/at/all.pem"),
        ("ssl_verify_upstream_trusted_ca", __file__),
        ("ssl_verify_upstream_trusted_confdir", "/nowhere/at/all"),
    ],
)
def test_what_opens_something_is_refused_with_what_to_do(name: str, value: Any) -> None:
    if value == "":
        assert bool(refused({name: value})) == (name == "web_host")
        return
    (said,) = refused({name: value})
    assert name in said
    assert "; " in said
    assert "a:b" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block_global", False),
        ("modify_headers", ["/a/b"]),
        ("modify_body", ["/a/b"]),
        ("tls_version_client_min", "UNBOUNDED"),
        ("ciphers_client", "ALL:eNULL"),
    ],
)
def test_what_should_be_known_is_said(name: str, value: Any) -> None:
    (said,) = warned({name: value})
    assert name in said
    assert refused({name: value}) == []


def test_our_mode_may_name_any_address() -> None:
    for mode in (DEAD_END, f"{DEAD_END}@8080", f"{DEAD_END}@0.0.0.0:8080"):
        assert is_our_mode(mode)


def test_what_is_as_it_should_be_is_taken(tmp_path: Path) -> None:
    good = {
        "ciphers_server": "HIGH:!aNULL",
        "ciphers_client": "ECDHE+AESGCM",
        "ssl_verify_upstream_trusted_ca": str(make_certificate(tmp_path)[0]),
        "ssl_verify_upstream_trusted_confdir": str(tmp_path),
    }
    assert refused(good) == []
    assert warned(good) == []


def test_options_that_nobody_has_are_said() -> None:
    has = ["gateway_config", "body_size_limit", "listen_port"]
    names = [
        "gateway_confg",
        "body_sise_limit",
        "zzz",
        "web_password",
        "console_palette",
        "keepserving",
        "gatewayconfig",
    ]
    assert unknown(names, has) == [
        "mitmproxy has no option body_sise_limit, so it changes nothing; did you mean 'body_size_limit'?",
        "mitmproxy has no option zzz, so it changes nothing",
    ]
    assert misspelt([*names, "gateway_config"], has) == [
        "the gateway has no option gateway_confg; did you mean 'gateway_config'?",
        "the gateway has no option gatewayconfig; did you mean 'gateway_config'?",
    ]
