"""Requests copied for PowerShell, as Chrome, Edge and Firefox write them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.importing.contents import ImportProblem
from addons.importing.detect import read
from providers.contract.session import ObservedExchange

SECRET = "AgHkJ3passport-0123456789"
URL = "https://longcat.chat/api/v1/chat-completion-V2"
COPY = f"""$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession
$session.UserAgent = "Mozilla/5.0 (X11; rv:143.0) Firefox/143.0"
$session.Cookies.Add((New-Object System.Net.Cookie("_lxsdk_s", "s=1", "/", ".longcat.chat")))
$session.Cookies.Add((New-Object System.Net.Cookie("passport_token_key", "{SECRET}", "/", "longcat.chat")))
Invoke-WebRequest -UseBasicParsing -Uri "{URL}" `
-Method "POST" `
-WebSession $session `
-Headers @{{
"authority"="longcat.chat"
  "Accept-Language" = "de,en;q=0.3"
  "sec-ch-ua"="`"Chromium`";v=`"140`", `"Not$([char]0x3d)A`";v=`"24`""
  'x-client-language'='it''s'
}} `
-ContentType "application/json" `
-Body ([System.Text.Encoding]::UTF8.GetBytes("{{`"content`":`"Invoke-WebRequest -Uri $x $([char]20320)`"}}"))
"""


def one(data: str) -> ObservedExchange:
    (found,) = read(data.encode(), 0).exchanges
    return found


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_copy_is_read_as_it_would_be_sent(line_end: str) -> None:
    seen = one(COPY.replace("\n", line_end))
    assert (seen.method, seen.url) == ("POST", URL)
    assert seen.headers == {
        "user-agent": "Mozilla/5.0 (X11; rv:143.0) Firefox/143.0",
        "cookie": f"_lxsdk_s=s=1; passport_token_key={SECRET}",
        "authority": "longcat.chat",
        "accept-language": "de,en;q=0.3",
        "sec-ch-ua": '"Chromium";v="140", "Not=A";v="24"',
        "x-client-language": "it's",
        "content-type": "application/json",
    }


@pytest.mark.parametrize(
    ("words", "headers"),
    [
        (f'-Uri "{URL}"', {}),
        (f"-Uri {URL} -Method POST -UserAgent 'a'", {"user-agent": "a"}),
        (f'-Uri "{URL}" -UserAgent "a" -Headers @{{"User-Agent"="b"}}', {"user-agent": "b"}),
        (f'-Headers @{{}} -Uri "{URL}"', {}),
    ],
)
def test_without_a_session_before_it(words: str, headers: dict[str, str]) -> None:
    assert one(f"Invoke-WebRequest {words}").headers == headers


def test_several_calls_of_one_session() -> None:
    second = f'Invoke-RestMethod -Uri "{URL}/2" -WebSession $session -Headers @{{"a"="b"}}\n'
    first, later = read((COPY + second).encode(), 0).exchanges
    assert later.url == f"{URL}/2"
    assert later.headers == {"user-agent": first.headers["user-agent"], "cookie": first.headers["cookie"], "a": "b"}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (COPY[:300], "cut off"),
        (COPY[: COPY.index("-ContentType") - 5], "cut off"),
        (COPY.replace('"de,en;q=0.3"', f'"$env:LANG {SECRET}"'), "from a variable"),
        (COPY.replace('"de,en;q=0.3"', "$language"), "from a variable"),
        (f'Invoke-WebRequest -Uri "{URL}" -Headers $headers', "headers from a variable"),
        (f"$session = 5; '{SECRET}'", "names no address"),
        ("Invoke-WebRequest -Uri", "cut off"),
        (f'Invoke-WebRequest -Uri "{URL}"\n' * 201, "more than 200 PowerShell commands"),
        ("$s = 1\n" + '$s.Cookies.Add((x System.Net.Cookie("a", "b")))\n' * 201, "more than 200 cookies"),
        ('$a = "' + "x" * 600_000 + '"', "longer than"),
    ],
)
def test_what_cannot_be_read_is_said_without_a_word_of_it(command: str, words: str) -> None:
    with pytest.raises(ImportProblem, match=words) as caught:
        read(command.encode(), 0)
    assert SECRET not in str(caught.value)
    assert "PowerShell" in str(caught.value)


@given(st.text(st.sampled_from("$`\"'@{}()=,; \nax-Uri"), max_size=80))
def test_any_text_is_read_or_refused(words: str) -> None:
    with contextlib.suppress(ImportProblem):
        assert read(f"Invoke-WebRequest {words}".encode(), 0).kind == "PowerShell command"
