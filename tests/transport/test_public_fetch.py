"""Files at addresses that clients name: nothing but the public Internet is asked, whatever a name or an answer says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from addons.transport.carrier import BODY_LIMIT_BYTES, Arrived, BrokenAnswer, Met, NotConnected, NotInTime, TooLarge
from addons.transport.public_fetch import FETCH_BYTES, FETCH_S, REDIRECTS, FetchRefused, PublicFetcher, is_public
from addons.upstream.port import Target
from providers.contract.call import Call
from providers.contract.steps import Answer
from tests.support.virtual_time import in_virtual_time

PUBLIC = "93.184.215.14"
OK = Answer(200, {"content-type": "image/png"}, b"png")


@dataclass
class Net:
    """A network: what names mean (the next time too), and what is answered by path."""

    names: dict[str, list[list[str]]] = field(default_factory=lambda: {"x.example": [[PUBLIC]]})
    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    asked: list[tuple[Call, Target, int]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.looked_up.append(host)
        found = self.names.get(host)
        if found is None:
            raise OSError("unknown")
        return found.pop(0) if len(found) > 1 else found[0]

    async def carry(
        self,
        call: Call,
        target: Target,
        arrived: Arrived | None = None,
        met: Met | None = None,
        most_bytes: int = BODY_LIMIT_BYTES,
    ) -> Answer:
        self.asked.append((call, target, most_bytes))
        found = self.answers.get(call.shown_url.partition(target.host)[2], OK)
        if isinstance(found, Exception):
            raise found
        return found

    async def fetch(self, url: str = "https://x.example/a.png", most_bytes: int = 1000) -> Answer:
        return await PublicFetcher(self, self.resolve).fetch(url, most_bytes)

    async def refused(self, url: str = "https://x.example/a.png") -> str:
        with pytest.raises(FetchRefused) as caught:
            await self.fetch(url)
        return str(caught.value)


@in_virtual_time
async def test_a_file_is_fetched_from_the_address_that_was_checked() -> None:
    net = Net({"x.example": [[PUBLIC], ["127.0.0.1"]]})  # who looks it up again is led astray
    assert (await net.fetch()).body == b"png"
    ((call, target, most),) = net.asked
    assert target == Target("x.example", 443, tls=True, account="~fetched~", address=PUBLIC)
    assert (call.method, call.secrets, most) == ("GET", (), 1000)
    assert {name.lower() for name, _ in call.headers} == {"accept", "user-agent"}
    assert net.looked_up == ["x.example"]


@in_virtual_time
async def test_the_size_has_a_bound_of_its_own() -> None:
    net = Net()
    await net.fetch(most_bytes=10**12)
    assert net.asked[0][2] == FETCH_BYTES


INSIDE = [
    "127.0.0.1",
    "127.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "fec0::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2606:4700::1%eth0",
    "nonsense",
    "",
]


@pytest.mark.parametrize("address", INSIDE)
@in_virtual_time
async def test_no_name_leads_inside(address: str) -> None:
    assert not is_public(address)
    net = Net({"x.example": [[address]], "y.example": [[PUBLIC, address]]})
    assert "not public" in await net.refused()
    assert "not public" in await net.refused("http://y.example/a")
    assert not net.asked


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111"])
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/a",
        "http://127.0.0.1/a",
        "http://2130706433/a",
        "http://0x7f.1/a",
        "http://[::1]/a",
        "http://[::ffff:127.0.0.1]/a",
        "https://10.0.0.1/a",
    ],
)
@in_virtual_time
async def test_addresses_of_here_are_looked_up_and_refused_too(url: str) -> None:
    host = url.split("/")[2].strip("[]")
    net = Net({host: [["127.0.0.1"]]})
    assert "not public" in await net.refused(url)
    assert not net.asked


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.example/a",
        "file:///etc/passwd",
        "https://x.example:8443/a",
        "http://x.example:443/a",
        "https://user@x.example/a",
        "https://user:pass@x.example/a",
        "https://x.example@evil.example/a",
        "https://x.example\\@evil.example/a",
        "https://x.example/a b",
        "https://x.example/a\r\nHost: y",
        "https://x.exämple/a",
        "https:///a",
        "https://",
        "gopher://x.example",
        "https://x.example#a",
        "https://x.example/" + "a" * 9000,
    ],
    ids=lambda url: url[:40],
)
@in_virtual_time
async def test_odd_addresses_are_not_asked(url: str) -> None:
    net = Net()
    assert await net.refused(url)
    assert not net.asked
    assert not net.looked_up


@pytest.mark.parametrize("port", ["", ":443"])
@in_virtual_time
async def test_usual_ports_may_be_named(port: str) -> None:
    await Net().fetch(f"HTTPS://x.example{port}/a")


# -- redirects --------------------------------------------------------------------------------------------------------
def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status, {"location": to}, b"")


@in_virtual_time
async def test_a_redirect_on_the_same_host_is_followed_and_checked_anew() -> None:
    net = Net(answers={"/a.png": redirect("/b.png#x")})
    assert (await net.fetch()).status == 200
    assert net.looked_up == ["x.example"] * 2
    net = Net({"x.example": [[PUBLIC], ["127.0.0.1"]]}, {"/a.png": redirect("/b.png")})
    assert "not public" in await net.refused()
    assert len(net.asked) == 1


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/b",
        "//evil.example/b",
        "http://x.example/b",
        "http://127.0.0.1/b",
        "https://x.example:8443/b",
        "https://x.example@evil.example/",
        "file:///etc/passwd",
        "https://[bad",
        "//[::1",
    ],
)
@in_virtual_time
async def test_a_redirect_elsewhere_is_refused(to: str) -> None:
    net = Net(answers={"/a.png": redirect(to, 307)})
    await net.refused()
    assert len(net.asked) == 1


@in_virtual_time
async def test_redirects_without_end_end() -> None:
    net = Net(answers={"/a.png": redirect("/a.png")})
    assert "again and again" in await net.refused()
    assert len(net.asked) == REDIRECTS + 1


# -- what goes wrong --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Answer(404, {}, b""), "status 404"),
        (Answer(206, {}, b""), "status 206"),
        (redirect("", 304), "status 304"),
        (NotConnected("refused"), "cannot be reached"),
        (NotConnected("", in_time=False), "in time"),
        (NotInTime(), "fell silent"),
        (TooLarge(), "larger than"),
        (BrokenAnswer("DecodingError"), "no whole answer"),
    ],
)
@in_virtual_time
async def test_faults_are_told_without_the_address(fault: Answer | Exception, why: str) -> None:
    net = Net(answers={"/a.png?key=secret": fault})
    told = await net.refused("https://x.example/a.png?key=secret")
    assert why in told
    assert "secret" not in told
    assert "cannot be looked up" in await net.refused("https://unknown.example/a")


@in_virtual_time
async def test_other_addresses_of_a_host_are_tried() -> None:
    net = Net({"x.example": [[PUBLIC, "8.8.8.8", "8.8.4.4", "1.1.1.1"]]}, {"/a.png": NotConnected("refused")})
    await net.refused()
    assert [target.address for _, target, _ in net.asked] == [PUBLIC, "8.8.8.8", "8.8.4.4"]


@in_virtual_time
async def test_the_whole_has_a_time_limit() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(10_000)
        return [PUBLIC]

    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(FetchRefused, match="did not give"):
        await PublicFetcher(Net(), never).fetch("https://x.example/a", 10)
    assert FETCH_S <= loop.time() - began < FETCH_S + 1  # virtual
