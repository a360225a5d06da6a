"""What the microbenchmarks feed: an answer for each type of provider, decoded to as many words as it says."""

import pytest

from benchmarks.micro.answers import ANSWERS, WORD
from providers.contract.events import Finish
from providers.registry import type_names
from tests.providers.seeds import decoder_of, provider_of
from tests.support.decoding import run, text_of


def test_every_type_of_provider_is_there() -> None:
    assert set(ANSWERS) == set(type_names())


@pytest.mark.parametrize("provider", ANSWERS)
def test_an_answer_is_decoded_to_its_words(provider: str) -> None:
    decoder = decoder_of(provider, next(iter(provider_of(provider).models())), stream=True)
    events = run(decoder, [ANSWERS[provider](9)])
    assert text_of(events).split() == WORD.split() * 9
    assert isinstance(events[-1], Finish)
