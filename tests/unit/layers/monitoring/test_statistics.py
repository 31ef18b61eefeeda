"""Two samples by bin: chance looks like chance at any size, in any bins, and a shift has the size that others find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from skylift.monitoring import statistics
from tests.support.contracts import modest

stats = pytest.importorskip("scipy.stats")
distance = pytest.importorskip("scipy.spatial.distance")

type Counts = NDArray[np.int64]

DECILES = np.array([0, *[0.1] * 10, 0, 0])
"""Shares of a number's bins: none below and above, ten between, none missing."""


def histograms() -> st.SearchStrategy[tuple[Counts, Counts]]:
    """Two samples in the same bins, each of a row or more."""
    counts = st.integers(2, 12).flatmap(
        lambda size: st.tuples(*[st.lists(st.integers(0, 300), min_size=size, max_size=size)] * 2)
    )
    return counts.filter(lambda both: all(map(sum, both))).map(lambda both: (np.array(both[0]), np.array(both[1])))


def samples(shares: NDArray[np.float64], rows: tuple[int, int], draws: int) -> tuple[Counts, Counts]:
    """Pairs of samples of one distribution, `[draws, bins]` each."""
    random = np.random.default_rng(11)
    window, reference = (random.multinomial(size, shares / shares.sum(), draws) for size in rows)
    return window, reference


def as_training_sees_it(window: Counts, reference: Counts) -> tuple[Counts, Counts]:
    """Levels that training has no row of are one bin of the window."""
    known = reference > 0
    return np.array([*window[known], window[~known].sum(), 0]), np.array([*reference[known], 0, 0])


@pytest.mark.parametrize("reference", [120, 5000])
@pytest.mark.parametrize("rows", [20, 50, 1000, 200_000])
def test_samples_of_one_number_differ_by_chance_as_often_as_they_may(rows: int, reference: int) -> None:
    pairs = zip(*samples(DECILES, (rows, reference), 400), strict=True)

    p_values = np.array([statistics.p_value(*pair, ordered=True) for pair in pairs])

    for level in (0.1, 0.02):
        assert np.mean(p_values <= level) <= level + 3 * np.sqrt(level / 400)


@pytest.mark.parametrize("reference", [120, 1000, 5000])
@pytest.mark.parametrize("rows", [1000, 200_000])
@pytest.mark.parametrize("levels", [50, 500])
def test_levels_that_training_happens_to_lack_are_not_drift(levels: int, rows: int, reference: int) -> None:
    shares = np.random.default_rng(5).permutation(1 / np.arange(1, levels + 1))
    pairs = map(as_training_sees_it, *samples(shares, (rows, reference), 200))

    p_values = np.array([statistics.p_value(*pair, ordered=False) for pair in pairs])

    assert np.mean(p_values <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 / 200)


@pytest.mark.parametrize("rows", [60, 200, 10_000])
def test_p_values_far_out_are_as_frequent_as_they_say(rows: int) -> None:
    """A look every hour needs p-values of 1e-4, in bins that expect six rows: too rare to be drawn for each look."""
    window, reference = samples(DECILES[1:11], (rows, 5000), 200_000)
    totals, share = window + reference, rows / (rows + 5000)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.log(counts / (totals * of)) * counts for counts, of in ((window, share), (reference, 1 - share))]
    farthest = np.argsort(-np.nansum(parts, axis=(0, 2)))[:80]

    p_values = [statistics.p_value(window[place], reference[place], ordered=True) / 2 for place in farthest]

    assert 10 <= sum(p_value <= 1e-4 for p_value in p_values) <= 34  # of 200,000: 20, give or take three times its root


def test_values_outside_the_training_range_are_told_by_an_exact_test() -> None:
    reference = np.array([0, 50, 50, 0, 0])
    window = np.array([0, 10, 10, 5, 0])

    found = statistics.p_value(window, reference, ordered=True)

    assert found == pytest.approx(2 * stats.hypergeom.sf(4, 125, 5, 25), rel=1e-9)


def test_a_single_row_outside_the_range_is_chance() -> None:
    assert statistics.p_value(np.array([1, 10, 10, 0, 0]), np.array([0, 500, 500, 0, 0]), ordered=True) > 0.03


@pytest.mark.parametrize("ordered", [True, False])
@given(pair=histograms())
@modest
def test_a_p_value_is_a_probability_and_a_distance_is_between_none_and_one(
    pair: tuple[Counts, Counts], ordered: bool
) -> None:
    assert 0 <= statistics.p_value(*pair, ordered=ordered) <= 1
    assert 0 <= statistics.cdf_difference(*pair) <= 1
    assert statistics.jensen_shannon(*pair) == pytest.approx(distance.jensenshannon(*pair, base=2), abs=1e-7)
    assert np.isfinite(statistics.psi(*pair))


def test_counts_in_proportion_do_not_differ() -> None:
    reference = np.array([0, 300, 500, 200, 0, 0])

    assert statistics.p_value(reference // 10, reference, ordered=True) == 1.0
    assert statistics.jensen_shannon(reference // 10, reference) == pytest.approx(0, abs=1e-6)
    assert statistics.cdf_difference(reference // 10, reference) == pytest.approx(0, abs=1e-12)


def test_a_constant_and_an_empty_window_differ_from_nothing() -> None:
    constant = np.array([0, 100, 0, 0])

    assert statistics.p_value(constant // 2, constant, ordered=True) == 1.0
    assert statistics.p_value(constant * 0, constant, ordered=False) == 1.0
    assert statistics.critical_psi(constant // 2, constant, 0.01) == 0.0
    assert statistics.jensen_shannon(constant * 0, constant) == 0.0
    assert statistics.cdf_difference(constant, constant * 0) == 0.0


def test_psi_reaches_its_critical_value_as_often_as_it_says() -> None:
    window, reference = samples(DECILES, (200, 5000), 2000)

    beyond = [
        statistics.psi(*pair) > statistics.critical_psi(*pair, 0.05) for pair in zip(window, reference, strict=True)
    ]

    assert 0.035 <= np.mean(beyond) <= 0.065


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(1e-6, 0.5))
@modest
def test_rejected_are_those_that_the_procedure_of_benjamini_and_hochberg_rejects(
    p_values: list[float], alpha: float
) -> None:
    adjusted = stats.false_discovery_control(p_values)
    clear = [abs(value - alpha) > 1e-9 for value in adjusted]

    found = statistics.significant(p_values, alpha)

    assert [rejected for rejected, sure in zip(found, clear, strict=True) if sure] == [
        bool(value <= alpha) for value, sure in zip(adjusted, clear, strict=True) if sure
    ]


@pytest.mark.parametrize("reference", [2500, 5000])
def test_a_material_shift_is_found_in_so_many_rows_as_are_needed(reference: int) -> None:
    counts = (DECILES * reference).astype(np.int64)
    needed = statistics.rows_needed(0.1, counts, ordered=True, alpha=1e-4)
    moved = DECILES + np.array([0, *[0.02] * 5, *[-0.02] * 5, 0, 0])  # a tenth of the rows, from one half to the other
    random = np.random.default_rng(2)

    found = [
        statistics.p_value(random.multinomial(needed, moved), random.multinomial(reference, DECILES), ordered=True)
        <= 1e-4
        for _ in range(400)
    ]

    assert 0.74 <= np.mean(found) <= 0.86
    assert statistics.detectable(needed, counts, ordered=True, alpha=1e-4) == pytest.approx(0.1, rel=0.01)


def test_no_more_rows_are_asked_than_training_has() -> None:
    counts = (DECILES * 120).astype(np.int64)

    assert statistics.rows_needed(0.1, counts, ordered=True, alpha=1e-4) == 120
    assert statistics.detectable(1, counts, ordered=True, alpha=1e-4) == 1.0
