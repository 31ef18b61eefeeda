"""The files that a table is in: one, or all in a folder, which then have the same columns."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from skylift.cells import clean_text
from skylift.errors import ConfigError, DataError
from skylift.names import listed
from training.config.locations import paths_in
from training.data.csv_format import CsvFormat, find_format
from training.data.options import ReadOptions
from training.data.parquet_file import SUFFIXES, parquet_names

_ALIKE = "all files of a table are written in the same way: correct it, or take it away"

type _Kind = tuple[str, frozenset[str]]
"""How a file is written, and the names of its columns."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file of a table.

    Parameters
    ----------
    path
        Path of the file.
    form
        Format of a CSV file; None for a Parquet file.
    """

    path: Path
    form: CsvFormat | None


def table_files(path: Path, options: ReadOptions) -> list[TableFile]:
    """The files of a table, in the order of their names; those of a folder have the same columns.

    Raises
    ------
    DataError
        A file cannot be read, or does not fit the others; or the folder has none.
    ConfigError
        An option does not fit the files.
    """
    files = [_table_file(each, options) for each in paths_in(path)]
    kinds = Counter(_kind(file) for file in files)
    usual = kinds.most_common(1)[0][0]  # of equally many the first
    model = next(file for file in files if _kind(file) == usual)
    for file in files:
        if difference := _difference(_kind(file), usual):
            names = [each.path.relative_to(path).as_posix() for each in (file, model)]
            raise DataError(f"{names[0]} does not fit {names[1]}: {difference}", _ALIKE)
    return files


def _table_file(path: Path, options: ReadOptions) -> TableFile:
    if path.suffix.lower() not in SUFFIXES:
        form = find_format(path, encoding=options.encoding, delimiter=options.delimiter, columns=options.columns)
        return TableFile(path, form)
    if key := options.csv_key:
        raise ConfigError(f"data.{key} is for CSV files, and {path.name} is not one", "remove it from model.yaml")
    return TableFile(path, None)


def _kind(file: TableFile) -> _Kind:
    if file.form is None:
        return "Parquet", frozenset(clean_text(name) or name for name in parquet_names(file.path))
    return f"CSV with {file.form.delimiter!r} between the cells", frozenset(file.form.names)


def _difference(kind: _Kind, usual: _Kind) -> str:
    """What sets a file apart; an empty text if nothing does."""
    if kind[0] != usual[0]:
        return f"it is {kind[0]}, not {usual[0]}"
    lacks, adds = sorted(usual[1] - kind[1]), sorted(kind[1] - usual[1])
    return " and ".join(
        [*([f"it lacks {listed(lacks)}"] if lacks else []), *([f"it adds {listed(adds)}"] if adds else [])]
    )
