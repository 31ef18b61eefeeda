"""Counters add up exactly, in whatever order environments and minutes are added."""

from hypothesis import given
from hypothesis import strategies as st

from skylift.experiment.counters import EDGES_MS, Arm, Counters, Pairs, difference_bin

numbers = st.integers(0, 1000)
arms = st.builds(Arm, numbers, numbers, st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 9)))
pairs = st.builds(
    Pairs, numbers, numbers, st.dictionaries(st.integers(0, len(EDGES_MS)), st.integers(1, 9)), numbers, numbers
)
counters = st.builds(Counters, arms, arms, pairs)


@given(counters, counters, counters)
def test_the_order_of_adding_does_not_matter(one: Counters, two: Counters, three: Counters) -> None:
    assert (one + two) + three == three + (two + one)
    assert one + Counters() == one


@given(st.lists(st.floats(-20_000, 20_000), max_size=30), st.sampled_from(EDGES_MS))
def test_pairs_beyond_an_edge_are_counted_exactly(milliseconds: list[float], budget: float) -> None:
    total = Counters()
    for value in milliseconds:
        total += Counters(pairs=Pairs(differences={difference_bin(value): 1}))

    expected = sum(value > budget for value in milliseconds)
    assert total.pairs.slower_than(budget) == (expected, expected)


@given(st.lists(st.floats(-20_000, 20_000), max_size=30), st.floats(-20_000, 20_000))
def test_pairs_beyond_any_budget_are_counted_to_a_bin(milliseconds: list[float], budget: float) -> None:
    total = sum((Counters(pairs=Pairs(differences={difference_bin(value): 1})) for value in milliseconds), Counters())

    surely, perhaps = total.pairs.slower_than(budget)
    assert surely <= sum(value > budget for value in milliseconds) <= perhaps


def test_edges_ascend_ten_to_a_decade_and_include_round_budgets() -> None:
    assert list(EDGES_MS) == sorted(set(EDGES_MS))
    assert {0.1, 1, 2, 2.5, 5, 10, 25, 50, 100, 1000, 10_000} <= set(EDGES_MS)
    assert len(EDGES_MS) == 123
