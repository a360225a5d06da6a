"""The ports of the upstream room: what the product and the tests have for them fits."""

from dataclasses import fields, replace

from addons.upstream.dialer import DialedLink, Dialer
from addons.upstream.http1 import Http1Connection
from addons.upstream.port import Connect, Link, Receiver, Target
from tests.support.upstream import TARGET, Wire, Wires


def test_what_implements_them_fits() -> None:
    connects: list[type[Connect]] = [Dialer, Wires]
    links: list[type[Link]] = [DialedLink, Wire]
    receivers: list[type[Receiver]] = [Http1Connection]
    assert connects
    assert links
    assert receivers


def test_each_part_of_a_target_tells_two_apart() -> None:
    others = (
        replace(TARGET, host="other"),
        replace(TARGET, port=7),
        replace(TARGET, tls=True),
        replace(TARGET, via=("http", ("proxy", 1))),
        replace(TARGET, account="zai/a"),
    )
    assert len(others) == len(fields(Target))
    assert len({TARGET, *others}) == len(others) + 1
