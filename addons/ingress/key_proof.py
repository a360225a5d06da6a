"""Proof of possession of a client key: HMAC over a nonce of the asker's, so that the key itself is not sent.

`glassgate status` asks for it before it shows its key, as another program could have the gateway's port. The proof
names the address and port that were asked, so that nobody can have the gateway make one for a port of theirs. Whoever
asks gets something to try guesses on, so keys short enough to be guessed are not proved.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from mitmproxy import http

NONCE: Final = "x-glassgate-nonce"
PROOF: Final = "x-glassgate-proof"
SHORTEST_KEY: Final = 20
_NONCE: Final = re.compile(r"[0-9a-f]{64}")

type Address = tuple[str, int]


def proof_of(key: str, nonce: str, at: Address) -> str | None:
    """The proof for a nonce asked at that address; None for a nonce or key that is none to answer with."""
    if _NONCE.fullmatch(nonce) is None or len(key) < SHORTEST_KEY:
        return None
    host = ipaddress.ip_address(at[0].partition("%")[0])
    host = getattr(host, "ipv4_mapped", None) or host
    secret = hashlib.sha256(b"glassgate status\0" + key.encode("utf-8", "surrogateescape")).digest()
    return hmac.new(secret, f"{nonce} {host} {at[1]}".encode(), hashlib.sha256).hexdigest()


def proves(shown: str | None, key: str, nonce: str, at: Address) -> bool:
    """Whether `shown` is the proof."""
    wanted = proof_of(key, nonce, at)
    return wanted is not None and shown is not None and hmac.compare_digest(wanted.encode(), shown.encode())


def proof_for(flow: http.HTTPFlow, keys: Sequence[str]) -> str | None:
    """What shows the asker that we know the first of the client keys, if it asks."""
    nonce, sockname = flow.request.headers.get(NONCE), flow.client_conn.sockname
    return proof_of(keys[0], nonce, (str(sockname[0]), int(sockname[1]))) if nonce and keys else None
