"""Coalitions are places in chains from the background row to the row itself, each scored once."""

import numpy as np
import pytest

from skylift.coalitions import AllCoalitions, Coalitions, Flags, Places, SampledCoalitions, coalitions_of

BACKGROUND = 3
ANY = [AllCoalitions(4), SampledCoalitions(4, BACKGROUND), SampledCoalitions(30, BACKGROUND)]


def every_place(coalitions: Coalitions) -> tuple[Places, Places, Places]:
    background, chains, places = np.indices((BACKGROUND, *coalitions.shape)).reshape(3, -1)
    return background, chains, places


def features_of(coalitions: Coalitions) -> int:
    zero = np.zeros(1, dtype=np.intp)
    return len(coalitions.members(zero, zero, zero)[0])


@pytest.mark.parametrize("coalitions", ANY)
def test_chains_begin_without_features_and_end_with_all(coalitions: Coalitions) -> None:
    members = coalitions.members(*every_place(coalitions)).reshape(BACKGROUND, *coalitions.shape, -1)
    assert not members[:, :, 0].any()
    assert members[:, :, -1].all()


@pytest.mark.parametrize("coalitions", ANY)
def test_a_place_stands_for_those_that_differ_by_equal_features_alone(coalitions: Coalitions) -> None:
    differs: Flags = np.random.default_rng(0).random((2, BACKGROUND, features_of(coalitions))) < 0.5
    background, chains, places = every_place(coalitions)
    for row, canonical in enumerate(coalitions.canonical(differs)):
        found = canonical[background, chains, places]
        change = differs[row, background]
        assert (found <= places).all()
        ours, theirs = (coalitions.members(background, chains, each) & change for each in (places, found))
        assert np.array_equal(ours, theirs)
        assert np.array_equal(canonical[background, chains, found], found)


@pytest.mark.parametrize("coalitions", ANY)
def test_contributions_add_up_by_construction(coalitions: Coalitions) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, BACKGROUND, *coalitions.shape))
    values[:, :, :, 0], values[:, :, :, -1] = values[:, :, :1, 0], values[:, :, :1, -1]
    weights = np.array([0.2, 0.3, 0.5])

    contributions = coalitions.contributions(values, weights)

    gained = (values[:, :, 0, -1] - values[:, :, 0, 0]) @ weights
    assert np.allclose(contributions.sum(axis=1), gained, rtol=0, atol=1e-12)


def test_an_order_is_followed_by_its_reverse() -> None:
    coalitions = SampledCoalitions(12, BACKGROUND)
    orders = coalitions.__dict__["_orders"]
    pairs = coalitions.shape[0] // 2
    assert np.array_equal(orders[:, :pairs], orders[:, pairs:, ::-1])
    assert len(np.unique(orders.reshape(-1, 12), axis=0)) == BACKGROUND * 2 * pairs


def test_orders_are_the_same_in_every_process() -> None:
    first, second = (SampledCoalitions(12, BACKGROUND).__dict__["_orders"] for _ in range(2))
    assert np.array_equal(first, second)


def test_few_features_have_all_their_coalitions() -> None:
    assert coalitions_of(10, 4).shape == (1, 1024)
    assert coalitions_of(11, 4).shape == (116, 12)
