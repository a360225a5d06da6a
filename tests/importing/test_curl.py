"""cURL commands: every option of curl's takes what it takes, in every form; shells' quotes; what cannot be read."""

import pytest

from addons.importing.contents import ImportProblem
from addons.importing.curl import read_curl
from addons.importing.detect import read
from providers.contract.session import ObservedExchange

SECRET = "tok-9fPq2LzR7tXw4mVb"


def seen(command: str) -> list[ObservedExchange]:
    return list(read_curl(command).exchanges)


def one(command: str) -> ObservedExchange:
    [found] = seen(command)
    return found


def plain(found: ObservedExchange) -> tuple[str, str, str]:
    return found.method, found.url, found.headers.get("x-last", "")


@pytest.mark.parametrize(
    ("words", "method", "headers"),
    [
        ("-H'X: y' -XPUT -sSLk", "PUT", {"x": "y"}),
        ("--header=X:y --request=PUT", "PUT", {"x": "y"}),
        ("-sSLkXPUT -HX:y", "PUT", {"x": "y"}),
        ("-H X:y -H X:z -H Empty: -H None\\;", "GET", {"x": "y, z", "empty": ""}),
        ("--json '{}'", "POST", {}),
        ("--json '{}' -X PATCH", "PATCH", {}),
        ("-d @file --data-urlencode a@b -F c=@d", "POST", {}),
        ("-G -d a=b", "GET", {}),
        ("-I", "HEAD", {}),
        ("-T file", "PUT", {}),
        (f"--oauth2-bearer {SECRET}", "GET", {"authorization": f"Bearer {SECRET}"}),
        (f"--oauth2-bearer {SECRET} -H 'Authorization: Bearer x'", "GET", {"authorization": "Bearer x"}),
        ("-u me:pw", "GET", {"authorization": "Basic bWU6cHc="}),
        ("-A agent -e https://from.example", "GET", {"user-agent": "agent", "referer": "https://from.example"}),
        ("-A agent -H 'User-Agent: mine'", "GET", {"user-agent": "mine"}),
        ("-b 'a=1; b=2' --cookie=c=3", "GET", {"cookie": "a=1; b=2; c=3"}),
        ("-H 'Cookie: a=1' -H 'cookie: b=2; c=3'", "GET", {"cookie": "a=1; b=2; c=3"}),
        ("-b 'a=1' -H 'Cookie: d=4'", "GET", {"cookie": "d=4"}),
        ("-b ''", "GET", {}),
        ("-H '@not: a file'", None, {}),
    ],
)
def test_what_a_request_says(words: str, method: str | None, headers: dict[str, str]) -> None:
    if method is None:
        assert "from a file" in refusal(f"curl {words} https://a.example")
        return
    found = one(f"curl https://a.example {words}")
    assert (found.method, dict(found.headers)) == (method, headers)


def test_several_requests() -> None:
    assert [plain(found) for found in seen("curl -H x-last:1 a.example --url b.example --next -I c.example")] == [
        ("GET", "https://a.example", "1"),
        ("GET", "https://b.example", "1"),
        ("HEAD", "https://c.example", ""),
    ]
    copied = "curl 'https://a.example' \\\n  -H 'x-last: 1' ;\ncurl 'https://b.example' &\ncurl c.example\n"
    assert [plain(found) for found in seen(copied)] == [
        ("GET", "https://a.example", "1"),
        ("GET", "https://b.example", ""),
        ("GET", "https://c.example", ""),
    ]
    assert [found.url for found in seen("curl -- -odd.example a.example")] == [
        "https://-odd.example",
        "https://a.example",
    ]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("curl https://a.example -H 'x-last: 1' | jq . > out 2>/dev/null", id="a pipe behind it"),
        pytest.param("curl https://a.example 2>&1 -H 'x-last: 1' && echo done", id="redirected"),
        pytest.param("curl https://a.example -H 'x-last: 1' # -H 'x-last: 2'", id="a comment"),
        pytest.param("curl https://a.example \\  \n -H 'x-last: 1'", id="blanks behind the backslash"),
        pytest.param("curl https://a.example\n -H 'x-last: 1'", id="backslashes lost"),
        pytest.param("curl https://a.example \\\r\n -H 'x-last: 1'", id="CRLF"),
        pytest.param("$ curl https://a.example -H 'x-last: 1'", id="with the prompt"),
        pytest.param("/usr/bin/curl https://a.example -H 'x-last: 1'", id="with its folder"),
        pytest.param('curl "https://a.example" ^\r\n -H "x-last: 1"', id="cmd, older"),
        pytest.param('curl.exe ^"https://a.example^" ^\r\n  -H ^"x-last: 1^" ^\r\n  --compressed', id="cmd"),
        pytest.param("curl https://a.example -H $'x-last: \\u0031'", id="ANSI-C"),
        pytest.param("curl https://a.example -d \"$BODY `date`\" -H 'x-last: 1'", id="a variable elsewhere"),
    ],
)
def test_commands_as_they_are_pasted(command: str) -> None:
    [found] = read(command.encode(), 0).exchanges
    assert (found.url, found.headers["x-last"]) == ("https://a.example", "1")


def test_copies_for_cmd_keep_their_signs() -> None:
    command = (
        'curl ^"https://a.example/?a=1^&b=^%^E4^" ^\r\n  -H ^"sec-ch-ua: ^\\^"Chrome^\\^";v=^\\^"1^\\^"^" '
        '^\r\n  -b ^"k=$x\'`; p=c:^\\^\\d^" --data-raw ^"^{^\\^"a^\\^":1^}^"'
    )
    found = one(command)
    assert found.url == "https://a.example/?a=1&b=%E4"
    assert found.headers["sec-ch-ua"] == '"Chrome";v="1"'
    assert found.headers["cookie"] == "k=$x'`; p=c:\\d"


def refusal(command: str) -> str:
    with pytest.raises(ImportProblem) as caught:
        read(command.encode(), 0)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"curl -K {SECRET}", "options from a file"),
        (f"curl --config={SECRET} https://a.example", "options from a file"),
        (f"curl -b {SECRET} https://a.example", "cookies from a file"),
        (f"curl -H @{SECRET} https://a.example", "headers from a file"),
        (f"curl @{SECRET}", "the address from a file"),
        ('curl -H "Authorization: Bearer $TOKEN" https://a.example', "variable of the shell"),
        ('curl -H "Authorization: Bearer ${TOKEN}" https://a.example', "variable of the shell"),
        ("curl -b k=$(cat jar) https://a.example", "variable of the shell"),
        ("curl -b k=`cat jar` https://a.example", "variable of the shell"),
        ("curl -u me:$PW https://a.example", "variable of the shell"),
        ("curl $URL", "variable of the shell"),
        (f"curl --expand-header 'a: {{{{{SECRET}}}}}' https://a.example", "fills in variables"),
        (f"curl https://a.example -s+{SECRET}", "word 3"),
        (f"curl https://a.example --{SECRET} -s", "word 3"),
        (f"curl -H a:b -s https://a.example --{SECRET}", "word 6"),
        ("curl https://a.example --no-header", "word 3"),
        ("curl https://a.example -", "word 3"),
        (f"curl https://{SECRET}.example -H", "no value"),
        (f"curl https://a.example -H '{SECRET}", "quotation mark is open"),
        (f'curl https://a.example -H "{SECRET}\\"', "quotation mark is open"),
        (f"curl -H 'a: {SECRET}'", "no address"),
        (f"curl.exe 'https://a.example' `\r\n  -H '{SECRET}'", "PowerShell"),
        (f"$session = New-Object x\n$session.Cookies.Add('{SECRET}')", "PowerShell"),
        (f'Invoke-WebRequest -UseBasicParsing -Uri "https://a.example/{SECRET}', "PowerShell"),
        (f'fetch("https://a.example/{SECRET}", {{}})', "fetch"),
        (f'await fetch("https://a.example/{SECRET}")', "fetch"),
    ],
)
def test_what_cannot_be_read_is_said_without_a_word_of_it(command: str, words: str) -> None:
    assert words in refusal(command)
