"""Names of a request are read as training reads a header, as many as a table may have."""

from inference.spellings import Spellings
from skylift.contract import Contract, Target
from skylift.feature import Feature

SIZE = Feature(name="size", column="Size in m2", kind="number")
CONTRACT = Contract(task="regression", features=(SIZE,), target=Target(name="rent"), ignored=("id",))


def test_a_name_of_the_table_and_one_with_blanks_stand_for_those_of_the_contract() -> None:
    spellings = Spellings(CONTRACT)
    spellings.read(["Size in m2 ", "id ", "b"])

    assert spellings.renamed({"Size in m2": 5, "b": 1}) == {"size": 5, "b": 1}
    assert spellings.renamed({"Size in m2 ": 5, "id ": 2}) == {"size": 5, "id": 2}


def test_an_instance_is_left_as_it_is_where_its_names_are_those_of_the_contract() -> None:
    instance = {"size": 5, "unknown": 1}

    assert Spellings(CONTRACT).renamed(instance) is instance


def test_of_two_names_for_one_feature_the_first_counts_and_that_of_the_contract_before_all() -> None:
    spellings = Spellings(CONTRACT)
    spellings.read([" size", "size "])

    assert spellings.renamed({" size": 1, "size ": 2}) == {"size": 1, "size ": 2}
    assert spellings.renamed({" size": 1, "size": 2}) == {" size": 1, "size": 2}


def test_after_many_names_the_next_ones_stand_for_themselves() -> None:
    spellings = Spellings(CONTRACT)
    spellings.read(f"unknown {number}" for number in range(spellings.most))
    spellings.read(["size "])

    assert spellings.renamed({"size ": 1, "Size in m2": 2}) == {"size ": 1, "size": 2}


def test_several_instances_are_renamed_as_one_is() -> None:
    spellings = Spellings(CONTRACT)

    assert spellings.all_renamed([{"Size in m2": 1}, {"size": 2}]) == [{"size": 1}, {"size": 2}]
