"""The ports of the upstream room: what the product and the tests have for them fits."""

from dataclasses import fields, replace

from addons.upstream.dialer import DialedLink, Dialer
from addons.upstream.http1 import Http1Connection
from addons.upstream.port import Connect, Link, Receiver, Target
from tests.support.upstream import TARGET, Wires


def test_what_implements_them_has_all_they_ask_for() -> None:
    wires = Wires()
    wires.asks()
    connects: tuple[Connect, type[Connect]] = (wires, Dialer)
    links: tuple[Link, type[Link]] = (wires.made[0], DialedLink)
    receivers: tuple[Receiver, type[Receiver]] = (wires.made[0].receiver, Http1Connection)
    for port, found in ((Connect, connects), (Link, links), (Receiver, receivers)):
        wanted = {name for name in vars(port) if not name.startswith("_")} | (
            {"__call__"} if port is Connect else set()
        )
        for one in found:
            assert not {name for name in wanted if not hasattr(one, name)}


def test_each_part_of_a_target_tells_two_apart() -> None:
    others = (
        replace(TARGET, host="other"),
        replace(TARGET, port=7),
        replace(TARGET, tls=True),
        replace(TARGET, via=("http", ("proxy", 1))),
        replace(TARGET, account="zai/a"),
        replace(TARGET, address="127.0.0.2"),
    )
    assert len(others) == len(fields(Target))
    assert len({TARGET, *others}) == len(others) + 1
