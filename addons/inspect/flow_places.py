"""The places of a flow's secrets, kept in its metadata, so that it can be sent again, also out of a saved file.

The note is proven by a code (HMAC-SHA256) under a key of the vault: a flow that somebody else has made, or a note that
was changed, opens nothing.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mitmproxy import flow as mflow

from addons.transport import places
from addons.transport.places import Place
from addons.transport.sealing import Owner

KEY: Final = "glassgate_places"
"""The name in `flow.metadata`."""


@dataclass(frozen=True, slots=True)
class FlowPlaces:
    """Signs and reads the places. `key` gives the key of the codes: of the vault in force."""

    key: Callable[[], bytes]

    def put_on(self, flow: mflow.Flow, owner: Owner, found: Sequence[Place]) -> None:
        if not found:
            flow.metadata.pop(KEY, None)
            return
        written = places.written(found)
        flow.metadata[KEY] = {
            "provider": owner.provider,
            "account": owner.account,
            "places": written,
            "code": self._code(owner, written),
        }

    def of(self, flow: mflow.Flow, owner: Owner) -> tuple[Place, ...]:
        """The places of the flow's secrets; none where they are not signed by us or not of this account."""
        note = flow.metadata.get(KEY)
        if not isinstance(note, Mapping) or (note.get("provider"), note.get("account")) != (
            owner.provider,
            owner.account,
        ):
            return ()
        written, code = note.get("places"), note.get("code")
        try:
            if not isinstance(code, str) or not hmac.compare_digest(code.encode(), self._code(owner, written).encode()):
                return ()
            return places.read(written, owner.provider, owner.account)
        except (TypeError, ValueError):
            return ()

    def _code(self, owner: Owner, written: object) -> str:
        text = json.dumps([owner.provider, owner.account, written], separators=(",", ":"))
        return hmac.digest(self.key(), text.encode(), "sha256").hex()
