"""`glassgate sessions import`: each kind of file, what is found in it, and one clear line for what cannot be used."""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from addons.cli.main import main
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.sandbox.tokens import jwt
from tests.cli.conftest import KEY
from tests.cli.stored import stored
from tests.support.hars import entry, har

NOW = time.time()
ZAI = jwt({"id": "user-1", "email": "me@example.com"})
OTHER = jwt({"id": "user-2", "email": "you@example.com"})
GUEST = jwt({"id": "g", "email": "guest-1@guest.com"})
ENDED = jwt({"id": "user-1", "exp": 1_600_000_000})
SHORT = jwt({"id": "user-1", "exp": int(NOW) + 3000})
CONFIG = """
vault: {path: vault/v.json}
providers:
  zai: {type: zai, accounts: [{name: main}]}
  qwen: {type: qwen, accounts: [{name: one}, {name: two}]}
  k2: {type: k2think, accounts: [{name: main}]}
  cat: {type: longcat, accounts: [{name: main}]}
  api: {type: openai_compatible, base_url: https://api.example.com/v1, accounts: [{name: key}]}
"""
type Run = Callable[..., Result]


def flows(*entries: tuple[str, dict[str, str]]) -> bytes:
    fields = [(url, [(name.encode(), value.encode()) for name, value in headers.items()]) for url, headers in entries]
    return b"".join(flows_of(url, pairs) for url, pairs in fields)


def flows_of(url: str, fields: list[tuple[bytes, bytes]]) -> bytes:
    out = io.BytesIO()
    FlowWriter(out).add(tflow.tflow(req=http.Request.make("GET", url, b"", fields), resp=True))
    return out.getvalue()


def har_of(*requests: tuple[str, list[tuple[str, str]]]) -> bytes:
    """A HAR with the header fields as they are given."""
    entries = [
        {"request": {"url": url, "headers": [{"name": name, "value": value} for name, value in fields]}}
        for url, fields in requests
    ]
    return json.dumps({"log": {"entries": entries}}).encode()


def cookies(*rows: tuple[str, str, str], expires: int = 0) -> bytes:
    lines = ["# Netscape HTTP Cookie File"]
    lines += ["\t".join((domain, "TRUE", "/", "TRUE", str(expires), name, value)) for domain, name, value in rows]
    return "\n".join(lines).encode()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def run(house: Path) -> Run:
    def invoke(data: bytes, *arguments: str) -> Result:
        (house / "file").write_bytes(data)
        command = ["--config", str(house / "config.yaml"), "sessions", "import", str(house / "file"), *arguments]
        return CliRunner().invoke(main, command, env={"SESSION_ENCRYPTION_KEY": KEY})

    return invoke


CHAT = "https://chat.qwen.ai/api/v2/chats/new"
GOOD = [
    pytest.param(
        har(entry("https://chat.z.ai/api/v1/chats/", authorization=f"Bearer {ZAI}")),
        (),
        ("zai", "main"),
        {"token"},
        id="HAR",
    ),
    pytest.param(
        har(
            entry(CHAT, authorization=f"Bearer {SHORT}", cookie="cna=c"),
            entry(
                "https://auth.qwen.ai/api/v2/auths/refresh",
                cookie="refresh_token=a",
                set_cookie="refresh_token=b; Path=/",
            ),
        ),
        ("--account", "one"),
        ("qwen", "one"),
        {"token", "cookie:cna", "cookie:refresh_token"},
        id="HAR of two hosts",
    ),
    pytest.param(
        f"curl 'https://chat.z.ai/api/models' -H 'Authorization: Bearer {ZAI}' --data-raw $'a\\'b'".encode(),
        (),
        ("zai", "main"),
        {"token"},
        id="cURL for bash",
    ),
    pytest.param(
        b'curl ^"https://longcat.chat/api/v1/x^" ^\r\n  -b ^"passport_token_key=p1; _lxsdk_s=s^" ^\r\n  --compressed',
        (),
        ("cat", "main"),
        {"cookie:passport_token_key", "cookie:_lxsdk_s"},
        id="cURL for cmd",
    ),
    pytest.param(
        f"curl 'https://chat.z.ai/api/models' -H 'Authorization: Bearer {ZAI}'".encode("utf-16"),
        (),
        ("zai", "main"),
        {"token"},
        id="cURL saved by an editor of Windows",
    ),
    pytest.param(
        har_of(
            ("https://longcat.chat/t", [("cookie", "_lxsdk_s=s"), ("cookie", "passport_token_key=p1"), (":path", "/t")])
        ),
        (),
        ("cat", "main"),
        {"cookie:passport_token_key", "cookie:_lxsdk_s"},
        id="HAR with a cookie a field",
    ),
    pytest.param(
        flows_of("https://longcat.chat/t", [(b"cookie", b"passport_token_key=p1"), (b"cookie", b"_lxsdk_s=s")]),
        (),
        ("cat", "main"),
        {"cookie:passport_token_key", "cookie:_lxsdk_s"},
        id="flows with a cookie a field",
    ),
    pytest.param(cookies(("www.k2think.ai", "token", ZAI)), (), ("k2", "main"), {"token"}, id="cookies.txt"),
    pytest.param(
        cookies((".qwen.ai", "refresh_token", "r"), ("chat.qwen.ai", "cna", "c"), ("other.example", "x", "y")),
        ("--account", "two"),
        ("qwen", "two"),
        {"cookie:refresh_token", "cookie:cna"},
        id="cookies of two domains",
    ),
    pytest.param(
        flows(("https://chat.z.ai/api/models", {"Authorization": f"Bearer {ZAI}"})),
        (),
        ("zai", "main"),
        {"token"},
        id="flows",
    ),
    pytest.param(ZAI.encode() + b"\n", ("--provider", "zai"), ("zai", "main"), {"token"}, id="token"),
    pytest.param(b"Bearer sk-12345678", ("--provider", "api"), ("api", "key"), {"api_key"}, id="key"),
    pytest.param(
        b"curl https://api.example.com/v1/models -H 'Authorization: Bearer sk-abc'",
        (),
        ("api", "key"),
        {"api_key"},
        id="key in cURL",
    ),
]


@pytest.mark.parametrize(("data", "arguments", "where", "holds"), GOOD)
def test_sessions_are_found_and_stored(
    run: Run, house: Path, data: bytes, arguments: tuple[str, ...], where: tuple[str, str], holds: set[str]
) -> None:
    dry = run(data, *arguments, "--dry-run")
    assert (dry.exit_code, stored(house)) == (0, {}), (dry.output, dry.exception)
    result = run(data, *arguments, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert ((told["provider"], told["account"]), set(told["found"]), told["stored"]) == (where, holds, True)
    kept = stored(house)[where]
    for secret in [kept.get("token"), kept.get("api_key"), *kept.get("cookies", {}).values()]:
        assert not secret or len(secret) < 5 or secret not in result.output + dry.output


def test_the_newest_rotated_cookie_counts(run: Run, house: Path) -> None:
    refresh = "https://auth.qwen.ai/api/v2/auths/refresh"
    data = har(
        entry(CHAT, authorization=f"Bearer {SHORT}"),
        entry(refresh, cookie="refresh_token=1", set_cookie="refresh_token=2; Domain=.qwen.ai"),
        entry(refresh, cookie="refresh_token=2", set_cookie="refresh_token=3; Domain=.qwen.ai"),
    )
    assert run(data, "--account", "one").exit_code == 0
    assert stored(house)["qwen", "one"]["cookies"] == {"refresh_token": "3"}


def test_what_is_missing_is_said(run: Run) -> None:
    result = run(har(entry(CHAT, authorization=f"Bearer {SHORT}")), "--account", "one")
    assert result.exit_code == 0
    assert "missing: the cookie refresh_token" in result.stdout


def test_a_remembered_password_stays(run: Run, house: Path) -> None:
    (house / "vault").mkdir(mode=0o700)
    vault = Vault.create(house / "vault" / "v.json", VaultKey.from_text(KEY), sync=False)
    vault.put("k2", "main", {"token": ZAI, "email": "me@example.com", "password": "kept"})
    assert run(cookies(("www.k2think.ai", "token", OTHER))).exit_code == 0
    assert stored(house)["k2", "main"]["password"] == "kept"
    assert stored(house)["k2", "main"]["token"] == OTHER


BAD = [
    pytest.param(b"", (), "empty", id="empty"),
    pytest.param(b"\xfe\x00\x01", (), "no text", id="binary"),
    pytest.param(b"\xff\xfe\x00\xd8", (), "no text", id="binary with a mark"),
    pytest.param(har(entry(CHAT))[:-30], (), "cut off", id="HAR cut off"),
    pytest.param(b'{"a": 1}', (), "no HAR", id="other JSON"),
    pytest.param(har(entry("https://other.example/")), (), "nothing of the configured", id="foreign HAR"),
    pytest.param(har(entry("https://chat.z.ai/")), (), "needs a signed-in call", id="HAR without the call"),
    pytest.param(har(entry("https://chat.z.ai/")), (), "sensitive data", id="sanitized HAR"),
    pytest.param(
        har(entry("https://chat.z.ai/a", authorization=f"Bearer {GUEST}")), (), "no signed-in call", id="a guest"
    ),
    pytest.param(
        har(
            entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}"),
            entry("https://chat.z.ai/a", authorization=f"Bearer {OTHER}"),
        ),
        (),
        "two people",
        id="two people",
    ),
    pytest.param(
        har(
            entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}"),
            entry("https://longcat.chat/", cookie="passport_token_key=p"),
        ),
        (),
        "--provider",
        id="two providers",
    ),
    pytest.param(
        har(entry("https://www.k2think.ai/a", authorization=f"Bearer {ENDED}")), (), "ended", id="expired HAR"
    ),
    pytest.param(cookies(("wrong.example", "token", ZAI)), (), "nothing of", id="cookies of the wrong host"),
    pytest.param(cookies(("chat.z.ai", "token", ZAI), expires=1_600_000_000), (), "have ended", id="ended cookies"),
    pytest.param(b"# Netscape HTTP Cookie File\nbroken line", (), "line 2", id="broken cookies.txt"),
    pytest.param(b"curl 'https://chat.z.ai", (), "quotation mark is open", id="cURL cut off"),
    pytest.param(b"curl -b jar.txt https://chat.z.ai", (), "from a file", id="cURL with a jar"),
    pytest.param(b"curl -H 'a: b'", (), "no address", id="cURL without address"),
    pytest.param(b"123:garbage", (), "flow file", id="broken flows"),
    pytest.param(b"just some words", (), "no HAR, cURL", id="words"),
    pytest.param(b"sk-12345678", (), "--provider", id="a token of nobody"),
    pytest.param(b"not-a-jwt-token", ("--provider", "zai"), "cannot serve", id="no token of the site"),
    pytest.param(har(entry(CHAT, authorization=f"Bearer {SHORT}")), (), "several accounts", id="which account"),
    pytest.param(b"x" * 20, ("--provider", "nope"), "no provider 'nope'", id="unknown provider"),
]


@pytest.mark.parametrize(("data", "arguments", "words"), BAD)
def test_what_cannot_be_used_is_one_clear_line_and_changes_nothing(
    run: Run, house: Path, data: bytes, arguments: tuple[str, ...], words: str
) -> None:
    result = run(data, *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
    assert words in result.stderr
    assert stored(house) == {}


def test_a_provider_that_is_not_configured_is_named(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text("providers:\n  k2: {type: k2think, accounts: [{name: main}]}\n")
    result = run(har(entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}")))
    assert "no provider of that type; add: providers: {zai: {type: zai" in result.stderr


MIRRORS = """
vault: {path: vault/v.json}
providers:
  qwen: {type: qwen, base_url: "http://127.0.0.1:9", accounts: [{name: main}]}
  near: {type: zai, base_url: "https://chat.z.ai.mirror.example", accounts: [{name: main}]}
"""
QWEN_JAR = cookies((".qwen.ai", "refresh_token", "r-0123456789"), ("chat.qwen.ai", "cna", "c-0123456789"))


@pytest.mark.parametrize(
    ("data", "where", "holds"),
    [
        (f"curl '{CHAT}' -H 'Authorization: Bearer {SHORT}' -b 'refresh_token=r'".encode(), "qwen", {"token"}),
        (har(entry(CHAT, authorization=f"Bearer {SHORT}", cookie="refresh_token=r")), "qwen", {"token"}),
        (QWEN_JAR, "qwen", {"cookie:refresh_token", "cookie:cna"}),
        (har(entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}")), "near", {"token"}),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_mirror_takes_what_is_of_its_site(
    run: Run, house: Path, data: bytes, where: str, holds: set[str], named: bool
) -> None:
    """A provider with another base_url is of the same type: a person signs in at the site itself."""
    (house / "config.yaml").write_text(MIRRORS)
    result = run(data, *(("--provider", where) if named else ()))
    assert result.exit_code == 0, result.output
    assert "note: it is of the site itself" in result.stdout
    kept = stored(house)[where, "main"]
    assert bool(kept.get("token")) == ("token" in holds)
    assert {f"cookie:{name}" for name in kept.get("cookies", {})} >= {name for name in holds if name != "token"}


def test_what_is_at_the_mirror_itself_goes_first(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text(MIRRORS)
    data = har(
        entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}"),
        entry("https://chat.z.ai.mirror.example/a", authorization=f"Bearer {OTHER}"),
    )
    result = run(data)
    assert result.exit_code == 0, result.output
    assert "note:" not in result.stdout
    assert stored(house)["near", "main"]["token"] == OTHER


def test_a_provider_of_the_site_itself_goes_before_its_mirror(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text(
        CONFIG + '  mirror: {type: zai, base_url: "https://m.example", accounts: [{name: a}]}'
    )
    data = har(entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}"))
    assert run(data).exit_code == 0
    assert run(data, "--provider", "mirror").exit_code == 0
    assert set(stored(house)) == {("zai", "main"), ("mirror", "a")}


def test_two_mirrors_are_named(run: Run, house: Path) -> None:
    more = '  too: {type: zai, base_url: "https://m.example", accounts: [{name: a}]}\n'
    (house / "config.yaml").write_text(MIRRORS + more)
    result = run(har(entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}")))
    assert "choose with --provider: near, too" in result.stderr
    result = run(har(entry("https://chat.z.ai/a")), "--provider", "too")
    assert "no signed-in call of too" in result.stderr


def test_a_session_comes_by_standard_input_too(house: Path) -> None:
    data = har(entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}"))
    command = ["--config", str(house / "config.yaml"), "sessions", "import", "-"]
    result = CliRunner().invoke(main, command, input=data, env={"SESSION_ENCRYPTION_KEY": KEY})
    assert result.exit_code == 0, result.output
    assert stored(house)["zai", "main"]["token"] == ZAI


@pytest.mark.parametrize(
    ("arguments", "last"), [((), "stored as zai/main (revision 1)"), (("--dry-run",), "nothing was stored (--dry-run)")]
)
def test_where_it_is_stored_is_said_last(run: Run, arguments: tuple[str, ...], last: str) -> None:
    result = run(har(entry("https://chat.z.ai/a", authorization=f"Bearer {ZAI}")), *arguments)
    assert result.stdout.splitlines()[-1] == last


def test_a_file_that_is_not_there_is_said(house: Path) -> None:
    command = ["--config", str(house / "config.yaml"), "sessions", "import", str(house / "gone")]
    result = CliRunner().invoke(main, command, env={"SESSION_ENCRYPTION_KEY": KEY})
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "gone cannot be read: No such file" in result.stderr
