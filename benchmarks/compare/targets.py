"""What is wanted of the gateway: ratios to other ways in the same run, and a few bounds of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.compare.figures import OVERHEAD, Rounds, Samples, Spread, ratios, spread


@dataclass(frozen=True, slots=True)
class Target:
    """`figure` of `way`, by that of `other` if there is one; at least or at most `bound`, where one is set."""

    way: str
    figure: str
    other: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def rounds(self, samples: Samples) -> Rounds:
        found = samples.get(self.way, {}).get(self.figure, {})
        return ratios(found, samples.get(self.other, {}).get(self.figure, {})) if self.other else found

    def met(self, found: Spread) -> bool | None:
        """None where nothing is wanted."""
        if self.at_least is not None:
            return found.median >= self.at_least
        return found.median <= self.at_most if self.at_most is not None else None


TARGETS: Final[Sequence[Target]] = (
    Target("glassgate", "streams/s", "mitmdump-json", at_least=2.0),
    Target("glassgate", "whole answers/s", "mitmdump", at_least=2.5),
    Target("glassgate", "streams/s", "glassgate-layers"),
    Target("glassgate", "whole answers/s", "glassgate-layers"),
    Target("glassgate", "CPU ms a stream", "mitmdump-json"),
    Target("glassgate", "CPU ms a whole answer", "mitmdump"),
    Target("glassgate", "streams/s", "litellm", at_least=15),
    Target("glassgate", "whole answers/s", "litellm", at_least=15),
    Target("litellm", "CPU ms a stream", "glassgate"),
    Target("litellm", "CPU ms a whole answer", "glassgate"),
    Target("glassgate", "streams/s", "portkey", at_least=1.0),
    Target("glassgate", "whole answers/s", "portkey", at_least=1.0),
    Target("glassgate", "streams/s", "ccr", at_least=1.0),
    Target("glassgate", "whole answers/s", "ccr", at_least=1.0),
    Target("glassgate-zai", "streams/s", "glassgate", at_least=0.8),
    Target("glassgate-messages", "streams/s", "glassgate", at_least=1.0),
    Target("glassgate-messages", "whole answers/s", "glassgate", at_least=1.0),
    Target("glassgate-responses", "streams/s", "glassgate", at_least=1.0),
    Target("glassgate-responses", "whole answers/s", "glassgate", at_least=1.0),
    Target("glassgate-everything", "streams/s", "glassgate-nothing", at_least=0.93),
    Target("glassgate-everything", "whole answers/s", "glassgate-nothing", at_least=0.93),
    Target("glassgate-everything", "CPU ms a stream", "glassgate-nothing"),
    Target("glassgate-everything", "CPU ms a whole answer", "glassgate-nothing"),
    Target("glassgate-nothing", "memory idle MB", at_most=105),
    Target("glassgate-everything", "memory idle MB", at_most=130),
    Target("glassgate", f"{OVERHEAD}, 1 stream", "mitmdump-json", at_most=1.0),
    Target("glassgate", "KB a held stream", at_most=40),
    Target("glassgate", "memory idle MB", at_most=105),
    Target("glassgate", "upstream connections a 100 requests", at_most=1),
    Target("glassgate-tls", "upstream connections a 100 requests", at_most=1),
    Target("glassgate", "start to first answer s", at_most=2),
)


def judged(samples: Samples) -> Sequence[tuple[Target, Spread]]:
    """The targets of which something was measured."""
    return [(target, found) for target in TARGETS if (found := spread(target.rounds(samples)))]
