"""How the table spells names and values, so that a row of it can be a row of a request."""

from collections.abc import Collection, Mapping, Sequence

from skylift.feature import Feature
from skylift.numerals import Numerals
from training.config.table import DataSection


def as_in_table(
    features: Sequence[Feature], data: DataSection, numerals: Mapping[str, Numerals], *, taken: Collection[str]
) -> list[Feature]:
    """The features, with their columns, units, missing values and numbers as the table has them.

    Parameters
    ----------
    numerals
        How columns of numbers or booleans are written that have texts among them, by the names of the features.
    taken
        Names of features and ignored columns, which stand for nothing else.
    """
    columns = {name: column for column, name in data.rename.items() if column not in taken}
    return [
        feature.model_copy(
            update={
                "column": columns.get(feature.name),
                "numerals": (form := None if feature.json_type == "string" else numerals.get(feature.name)),
                "unit": feature.unit or (form and form.words) or None,
                "missing": data.missing or None,
            }
        )
        for feature in features
    ]
