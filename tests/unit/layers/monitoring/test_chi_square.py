"""Tails of the chi-square distribution, compared with scipy's."""

import pytest

from skylift.monitoring.chi_square import critical, needed_noncentrality, noncentral_tail, tail

stats = pytest.importorskip("scipy.stats")

DEGREES = (1, 2, 9, 30, 499, 10_000)


@pytest.mark.parametrize("degrees", DEGREES)
def test_a_tail_is_scipys_in_ten_digits(degrees: int) -> None:
    values = [0.0, 1e-9, 0.5, 1.0, *(degrees * share for share in (0.3, 0.9, 1.0, 1.1, 2.0)), degrees + 200.0]

    found = [tail(value, degrees) for value in values]

    assert found == pytest.approx(list(stats.chi2.sf(values, degrees)), rel=1e-10, abs=1e-300)


def test_a_tail_that_no_float_holds_is_none() -> None:
    assert tail(5000.0, 3) == 0.0


@pytest.mark.parametrize("probability", [0.05, 1e-4, 2.5e-9])
@pytest.mark.parametrize("degrees", DEGREES)
def test_a_critical_value_is_reached_with_its_probability(degrees: int, probability: float) -> None:
    assert critical(probability, degrees) == pytest.approx(stats.chi2.isf(probability, degrees), rel=1e-8)


@pytest.mark.parametrize("noncentrality", [0.0, 0.5, 30.0, 900.0])
@pytest.mark.parametrize("degrees", [1, 9, 499])
def test_a_noncentral_tail_is_scipys(degrees: int, noncentrality: float) -> None:
    values = [degrees / 2, float(degrees), degrees + noncentrality, degrees + 2 * noncentrality + 10]
    known = stats.ncx2.sf(values, degrees, noncentrality) if noncentrality else stats.chi2.sf(values, degrees)

    assert [noncentral_tail(value, degrees, noncentrality) for value in values] == pytest.approx(known, abs=1e-8)
    assert noncentral_tail(0.0, degrees, noncentrality) == 1.0


@pytest.mark.parametrize("degrees", [1, 9, 499])
def test_the_noncentrality_that_a_test_needs_gives_it_its_power(degrees: int) -> None:
    needed = needed_noncentrality(degrees, 1e-5, 0.8)

    assert stats.ncx2.sf(stats.chi2.isf(1e-5, degrees), degrees, needed) == pytest.approx(0.8, abs=1e-6)
