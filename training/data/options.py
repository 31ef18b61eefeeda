"""What `model.yaml` says of how a table is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from skylift.contract import Task
from skylift.feature import Kind
from skylift.numerals import LIKE_NUMBER, Numerals


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What `model.yaml` says of the cells of a table; what is None or empty is found out.

    Parameters
    ----------
    missing
        Texts that are missing values in every column.
    columns, encoding, delimiter
        Names of the columns of a file without a header; format of a CSV file.
    decimal, thousands
        Signs in numbers.
    kinds
        Kinds of columns, by their names in the file.
    target, task
        Name of the target in the file, and its task.
    """

    missing: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    target: str | None = None
    task: Task | None = None

    @property
    def csv_key(self) -> str | None:
        """A key that only CSV files have; None if no such key is given."""
        keys = ("columns", "encoding", "delimiter", "decimal", "thousands")
        return next((key for key in keys if getattr(self, key)), None)

    @property
    def missing_numbers(self) -> dict[float, str]:
        """Texts of `missing` that are numbers, by their value: any number that equals one is missing."""
        return {float(text): text for text in self.missing if LIKE_NUMBER.fullmatch(text)}

    @property
    def numerals(self) -> Numerals | None:
        """The way that numbers are written, if it is given."""
        if self.decimal is None and self.thousands is None:
            return None
        return Numerals(self.decimal or ("," if self.thousands == "." else "."), self.thousands or "")
