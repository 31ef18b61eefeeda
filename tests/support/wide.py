"""A contract whose first feature fills three columns, so that the place of a feature is not that of a column."""

from datetime import date

import numpy as np

from skylift.contract import Contract, Instance, Target
from skylift.encoding import RowEncoder
from skylift.feature import Feature
from training.data.table import Split, Table

WIDE = Contract(
    task="regression",
    features=(
        Feature(
            name="day",
            kind="datetime",
            required=False,
            form="%d.%m.%Y",
            origin=date(2020, 1, 1),
            parts=("year", "month"),
            min=0,
            max=990,
            mean=495,
            example="2021-05-15",
        ),
        Feature(name="city", kind="category", categories=("Bonn", "Ulm"), unknown="missing", example="Ulm"),
        Feature(name="rooms", kind="integer", min=1, max=4, mean=2.5, example=2),
    ),
    target=Target(name="rent"),
)
"""`day` is in the columns 0 to 2, `city` in 3, `rooms` in 4."""

CALLER: Instance = {"day": "31.12.2021", "city": "Ulm", "rooms": 3}


def wide_table(rows: int = 100) -> Table:
    """A table of the contract; the first row has no day, and the rent follows the year."""
    days = [None, *(WIDE.features[0].decode(float(10 * number)) for number in range(1, rows))]
    instances: list[Instance] = [
        {"day": day, "city": ("Bonn", "Ulm")[number % 2], "rooms": 1 + number % 4} for number, day in enumerate(days)
    ]
    encoded = RowEncoder(WIDE).encode(instances)
    return Table(WIDE, encoded, np.nan_to_num(encoded[:, 1], nan=2020.0) - 2000, "0" * 64, ())


def wide_split(rows: int = 100) -> Split:
    """Four of five rows to train on, the first among them."""
    places = np.arange(rows)
    return Split(places[places % 5 != 4], places[places % 5 == 4])
