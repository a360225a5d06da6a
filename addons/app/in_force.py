"""The running parts of the moment, as the long-lived parts of the process ask for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mitmproxy import http

from addons.app.runtime import Running
from addons.cleaning.cleaner import NOTHING_KNOWN, Cleaner
from addons.cleaning.fields import Fields
from addons.exchange.attempt import Attempt
from addons.exchange.context import Limits
from addons.exchange.outcome import AttemptRecord
from addons.ingress.cors import answer_headers_for
from addons.inspect.annotation import Annotation
from addons.keys.meters import KeyMeters
from addons.recordings.reading import decoder_for
from addons.usage.row import cost_of
from providers.contract.operation import Decoder
from providers.contract.price import Money


@dataclass(slots=True)
class InForce:
    """A holder of the running parts: None while the gateway starts; a reload puts others there."""

    found: Running | None = None

    def parts(self) -> Running:
        """Those that run, once there are any."""
        assert self.found is not None
        return self.found

    def cleaner(self) -> Cleaner:
        return self.found.cleaner if self.found is not None else NOTHING_KNOWN

    def log_text(self, text: str) -> str:
        """The text as a log may have it."""
        return self.cleaner().log(text)

    def shown_text(self, text: str) -> str:
        """The text as people may see it."""
        return self.cleaner().text(text)

    def limits(self) -> Limits:
        return self.parts().context.limits

    def cost(self, records: Sequence[AttemptRecord]) -> Money | None:
        """What attempts cost together, as far as prices are known; None where none is."""
        return cost_of(records, self.found.prices()) if self.found is not None else None

    def most_requests(self) -> int:
        return self.parts().config.sections.limits.requests

    def key_meters(self) -> KeyMeters:
        return self.parts().context.allowances.meters

    def drain_s(self) -> float:
        return self.found.config.sections.timeouts.drain_s if self.found is not None else 0.0

    def keep(self, flow: http.HTTPFlow, attempt: Attempt | None = None) -> None:
        """Hands an attempt or a preparing call that is over to the archive."""
        if (parts := self.found) is not None:
            parts.archive.keep(flow, attempt, parts.providers, parts.background)

    def decoder_for(self, note: Annotation) -> Decoder | None:
        return decoder_for(note, self.found.providers) if self.found is not None else None

    def extra_headers(self, fields: Iterable[tuple[bytes, bytes]]) -> Fields:
        """What every answer to the request says besides its own headers, whatever held when its connection began."""
        return answer_headers_for(fields, self.found.rules.allowed_origins) if self.found is not None else ()
