"""What is made of the figures: spreads, overheads, ratios round by round, and what is wanted of them."""

from benchmarks.compare.figures import Samples, Spread, add_overheads, percentile, ratios, spread, summary
from benchmarks.compare.targets import Target, judged

FIRST = "first word ms, 1 stream"
OVER = "first word over direct ms, 1 stream"


def test_a_spread_is_the_middle_and_the_ends() -> None:
    assert spread({1: 5.0, 2: 1.0, 4: 2.0}) == Spread(2.0, 1.0, 5.0, 3)
    assert spread({}) is None


def test_ratios_are_taken_within_a_round() -> None:
    """The machine was half as fast in the second round: for both."""
    assert ratios({1: 100.0, 2: 50.0, 3: 9.0}, {1: 10.0, 2: 5.0, 4: 1.0}) == {1: 10.0, 2: 10.0}
    assert ratios({1: 1.0}, {1: 0.0}) == {}


def test_overheads_are_differences_to_the_direct_way_in_the_same_round() -> None:
    samples: Samples = {
        "direct": {FIRST: {1: 1.0, 2: 2.0}},
        "gateway": {FIRST: {1: 4.0, 2: 6.0, 3: 9.0}, "streams/s": {1: 7.0}},
    }
    add_overheads(samples)
    assert samples["gateway"][OVER] == {1: 3.0, 2: 4.0}
    assert set(samples["direct"]) == {FIRST}


def test_without_a_direct_way_there_is_no_overhead() -> None:
    samples: Samples = {"gateway": {FIRST: {1: 4.0}}}
    add_overheads(samples)
    assert set(samples["gateway"]) == {FIRST}


def test_percentiles() -> None:
    ordered = [float(number) for number in range(100)]
    assert (percentile(ordered, 0.5), percentile(ordered, 0.99), percentile([3.0], 0.99)) == (50.0, 99.0, 3.0)


def test_the_summary_leaves_out_what_has_no_round() -> None:
    found = summary({"gateway": {"streams/s": {1: 2.0}, "none": {}}})
    assert found == {"gateway": {"streams/s": {"median": 2.0, "least": 2.0, "most": 2.0, "rounds": 1}}}


def test_targets_are_judged_by_the_median_of_what_was_measured() -> None:
    samples: Samples = {
        "glassgate": {"streams/s": {1: 100.0, 2: 90.0, 3: 80.0}, "KB a held stream": {1: 60.0}},
        "litellm": {"streams/s": {1: 10.0, 2: 10.0, 3: 5.0}},
        "glassgate-layers": {"streams/s": {1: 50.0}},
    }
    found = {(target.figure, target.other): (seen.median, target.met(seen)) for target, seen in judged(samples)}
    assert found == {
        ("streams/s", "litellm"): (10.0, False),
        ("streams/s", "glassgate-layers"): (2.0, None),
        ("KB a held stream", ""): (60.0, False),
    }


def test_a_bound_itself_is_good_enough() -> None:
    one = Spread(2.0, 2.0, 2.0, 1)
    assert Target("w", "f", at_most=2).met(one)
    assert Target("w", "f", at_least=2).met(one)
