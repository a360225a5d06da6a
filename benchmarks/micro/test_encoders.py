"""What writes answers, per 1,000 words: chat completions and text completions, streamed and whole."""

import json

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from addons.dialects.base import AnswerMeta, Dialect
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from providers.contract.events import Finish, Text

WORDS = [[Text(f"word {number} ")] for number in range(1000)]
META = AnswerMeta("answer-1", 1, "m")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("dialect", "asked"),
    [(ChatCompletions(), {"messages": [{"role": "user", "content": "x"}]}), (Completions(), {"prompt": "x"})],
    ids=["chat", "text"],
)
def test_encoder(benchmark: BenchmarkFixture, dialect: Dialect, asked: dict[str, object], stream: bool) -> None:
    parsed = dialect.parse(json.dumps({"model": "m", "stream": stream, **asked}).encode())

    def encode() -> None:
        encoder = dialect.encoder(parsed, META)
        for word in WORDS:
            encoder.encode(word)
        encoder.encode([Finish("stop")])

    benchmark(encode)
