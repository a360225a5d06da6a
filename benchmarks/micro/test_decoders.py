"""Each provider's decoder, fed a word at a time as a connection brings them, and in pieces of 16 KB: MB/s, events/s."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.micro.answers import ANSWERS
from tests.providers.seeds import decoder_of, provider_of

WORDS = 1000
PIECE = 16 * 1024


@pytest.mark.parametrize("provider", ANSWERS)
@pytest.mark.parametrize("cut", ["by event", "16 KB"])
def test_decoder(benchmark: BenchmarkFixture, provider: str, cut: str) -> None:
    data = ANSWERS[provider](WORDS)
    events = [event + b"\n\n" for event in data.split(b"\n\n")[:-1]]
    pieces = events if cut == "by event" else [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    model = next(iter(provider_of(provider).models()))

    def decode() -> None:
        decoder = decoder_of(provider, model, stream=True)
        for piece in pieces:
            decoder.feed(piece)
        decoder.close()

    benchmark(decode)
    if benchmark.stats is not None:
        took = benchmark.stats.stats.median
        benchmark.extra_info |= {"MB/s": round(len(data) / took / 1e6, 1), "events/s": round(len(events) / took)}
