"""Who is connected, and who goes when there is no room: the connection that has been silent longest.

Silent is a connection without a request under way: one that has not asked yet, or that rests between two requests.
Pure: connections are named by their peer address; closing one is a function given with it.
"""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

type Peer = tuple[object, ...]
"""A socket address: host, port, and for IPv6 two more."""
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNLIMITED: Final = 1_000_000
_FORWARDED_BYTES: Final = 1024
"""The end of X-Forwarded-For that is read."""


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.1`, `10.0.0.0/8`). Raises ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def host_of(peer: Peer) -> str:
    return str(peer[0]) if peer else ""


def _address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _without_port(word: str) -> str:
    """`1.2.3.4:5678` and `[::1]:5678` are what some proxies write."""
    if word.startswith("["):
        return word[1:].partition("]")[0]
    return word.partition(":")[0] if word.count(":") == 1 else word


@dataclass(frozen=True, slots=True)
class GuestRules:
    most: int = UNLIMITED
    """Connections in all."""
    per_address: int = UNLIMITED
    trusted: tuple[Network, ...] = ()
    """Proxies in front of the gateway: many people behind one address."""

    def is_one_person(self, host: str) -> bool:
        """Whether an address stands for one client. Loopback does not: it is every program of this machine."""
        address = _address(host)
        return address is None or not (address.is_loopback or self._is_trusted(address))

    def client_behind(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address. Where a trusted proxy is the peer, it stands in X-Forwarded-For, to which each proxy
        adds whom it heard: the last that is no trusted proxy. Of anybody else the field is not believed."""
        host = host_of(peer)
        if not self.trusted or (address := _address(host)) is None or not self._is_trusted(address):
            return host
        said = b",".join(value for name, value in fields if name.lower() == b"x-forwarded-for")[-_FORWARDED_BYTES:]
        for word in reversed(said.decode("latin-1").split(",")):
            address = _address(_without_port(word.strip()))
            if address is None:
                break  # what stands before it was not written by whom we trust
            host = str(address)
            if not self._is_trusted(address):
                break
        return host

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self.trusted)


@dataclass(slots=True)
class Guests:
    rules: GuestRules = GuestRules()
    _close: dict[Peer, Callable[[], None]] = field(default_factory=dict)
    _silent: OrderedDict[Peer, None] = field(default_factory=OrderedDict)
    """Those that may go, the longest silent first."""
    _silent_of: dict[str, OrderedDict[Peer, None]] = field(default_factory=dict)
    _of: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._close)

    def make_room(self, peer: Peer) -> bool:
        """Whether one more may come from there; who has been silent longest is closed for it."""
        host = host_of(peer)
        if self._of[host] >= self.rules.per_address and self.rules.is_one_person(host):
            return self._send_away(self._silent_of.get(host))
        return len(self) < self.rules.most or self._send_away(self._silent)

    def enter(self, peer: Peer, close: Callable[[], None]) -> None:
        self._close[peer] = close
        self._of[host_of(peer)] += 1
        self.rests(peer)

    def leave(self, peer: Peer) -> None:
        if self._close.pop(peer, None) is None:
            return
        self.asks(peer)
        host = host_of(peer)
        self._of[host] -= 1
        if not self._of[host]:
            del self._of[host]

    def asks(self, peer: Peer) -> None:
        """A request has begun on the connection: it is not closed to make room."""
        if peer in self._silent:
            del self._silent[peer]
            silent = self._silent_of[host_of(peer)]
            del silent[peer]
            if not silent:
                del self._silent_of[host_of(peer)]

    def rests(self, peer: Peer) -> None:
        """No request is under way on the connection."""
        if peer in self._close and peer not in self._silent:
            self._silent[peer] = None
            self._silent_of.setdefault(host_of(peer), OrderedDict())[peer] = None

    def _send_away(self, silent: OrderedDict[Peer, None] | None) -> bool:
        if not silent:
            return False
        peer = next(iter(silent))
        close = self._close[peer]
        self.leave(peer)  # at once: its own end comes later
        close()
        return True
