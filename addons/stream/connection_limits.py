"""Limits of client connections: how many may be open, and which idle one is closed when there is no room.

Silent is a connection without a request under way: one that has not asked yet, or that rests between two requests.
Pure: connections are named by their peer address; closing one is a function given with it.
"""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

type Peer = tuple[object, ...]
"""A socket address: host, port, and for IPv6 two more."""
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNLIMITED: Final = 1_000_000
LOOKED_AT: Final = 64
"""Connections that are asked whether they are silent, for each that comes."""
_FORWARDED_BYTES: Final = 1024
"""The end of X-Forwarded-For that is read."""


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of these addresses and networks (`10.0.0.1`, `10.0.0.0/8`). Raises ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def host_of(peer: Peer) -> str:
    return str(peer[0]) if peer else ""


def is_same_machine(peer: Peer, own: Peer) -> bool:
    """Whether a connection from `peer` to the address `own` has never left the machine."""
    there, here = _address(host_of(peer)), _address(host_of(own))
    return there is not None and (there.is_loopback or there == here)


def _address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _without_port(word: str) -> str:
    """The address without its port: `1.2.3.4:5678` and `[::1]:5678` are what some proxies write."""
    if word.startswith("["):
        return word[1:].partition("]")[0]
    return word.partition(":")[0] if word.count(":") == 1 else word


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of open connections, and the peers that are trusted proxies."""

    most: int = UNLIMITED
    """Connections in all."""
    per_address: int = UNLIMITED
    trusted: tuple[Network, ...] = ()
    """Proxies in front of the gateway: many people behind one address."""

    def is_one_client(self, host: str) -> bool:
        """Whether an address stands for one client. Loopback does not: it is every program of this machine."""
        address = _address(host)
        return address is None or not (address.is_loopback or self._is_trusted(address))

    def client_address(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
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
class ConnectionLimiter:
    """The open connections by peer; the one idle longest is evicted when there is no room."""

    rules: ConnectionLimits = ConnectionLimits()
    _close: dict[Peer, Callable[[], None]] = field(default_factory=dict)
    _has_said: dict[Peer, Callable[[], bool]] = field(default_factory=dict)
    _idle: OrderedDict[Peer, None] = field(default_factory=OrderedDict)
    """Those that may go, the longest silent first."""
    _idle_of: dict[str, OrderedDict[Peer, None]] = field(default_factory=dict)
    _of: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._close)

    def make_room(self, peer: Peer) -> bool:
        """True when one more connection from there fits, after evicting the one idle longest if need be."""
        host = host_of(peer)
        if self._of[host] >= self.rules.per_address and self.rules.is_one_client(host):
            return self._evict(self._idle_of.get(host))
        return len(self) < self.rules.most or self._evict(self._idle)

    def add(self, peer: Peer, close: Callable[[], None], has_said: Callable[[], bool] = lambda: False) -> None:
        """`has_said`: whether something has come on it that nobody has read yet."""
        self._close[peer], self._has_said[peer] = close, has_said
        self._of[host_of(peer)] += 1
        self.idle(peer)

    def remove(self, peer: Peer) -> None:
        if self._close.pop(peer, None) is None:
            return
        del self._has_said[peer]
        self.busy(peer)
        host = host_of(peer)
        self._of[host] -= 1
        if not self._of[host]:
            del self._of[host]

    def busy(self, peer: Peer) -> None:
        """Marks the connection as one with a request under way: it is not evicted."""
        if peer in self._idle:
            del self._idle[peer]
            idle_peers = self._idle_of[host_of(peer)]
            del idle_peers[peer]
            if not idle_peers:
                del self._idle_of[host_of(peer)]

    def idle(self, peer: Peer) -> None:
        """Marks the connection as one without a request under way: it may be evicted."""
        if peer in self._close and peer not in self._idle:
            self._idle[peer] = None
            self._idle_of.setdefault(host_of(peer), OrderedDict())[peer] = None

    def _evict(self, idle_peers: OrderedDict[Peer, None] | None) -> bool:
        # Of many that come at once the first have asked, and were not read yet.
        silent = (peer for peer in islice(idle_peers or (), LOOKED_AT) if not self._has_said[peer]())
        if (peer := next(silent, None)) is None:
            return False
        close = self._close[peer]
        self.remove(peer)  # at once: its own end comes later
        close()
        return True
