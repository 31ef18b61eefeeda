"""Names in messages: how many are listed."""

from skylift.names import MAX_LISTED, listed


def test_names_are_listed_in_their_order() -> None:
    assert listed(["b", "a"]) == "b, a"
    assert listed(["b", "a"], write=repr) == "'b', 'a'"


def test_of_many_names_the_rest_is_counted() -> None:
    names = [f"c{number}" for number in range(MAX_LISTED + 2)]

    assert listed(names).endswith(f"c{MAX_LISTED - 1} and 2 more")
