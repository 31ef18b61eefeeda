"""`skylift data prepare`: the raw table as the two files that training learns from and measures on.

`train.csv` and `test.csv` hold the contract's columns and the target, in the rows and the order of the split that
training makes of the raw table; `table.json` holds what the files cannot say: the contract and where they come from.
The same table, configuration and seed give the same bytes on every machine.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import to_json

from skylift.contract import Contract, class_key
from skylift.documents import Document
from skylift.encoding import with_blocks
from skylift.errors import DataError
from skylift.feature import Feature
from skylift.manifest import Digest
from skylift.scoring import Matrix
from skylift.text_encoder import ENCODING_FILE, from_bytes, to_bytes
from skylift.vocabulary import Vocabulary
from training.config.locations import file_digest
from training.config.table import TableSpec
from training.data.checks import missing_cells, refuse_failed
from training.data.clean import read_clean
from training.data.encoded import encode_table
from training.data.learned import with_learned
from training.data.reader import Progress
from training.data.split import read_labels, split_labels
from training.data.split_keys import SplitKeys
from training.data.table import Split, Table

FOLDER = Path("data/processed")
TRAIN_FILE = "train.csv"
TEST_FILE = "test.csv"
TABLE_FILE = "table.json"
PART_ROWS = 250_000

_ENDS = "\r\n"  # Python 3.12 quotes of a text's line breaks only those that end a line here
_KEYS = "split by"
_AGAIN = "run `skylift data prepare` again"


class PreparedTable(Document):
    """Description of prepared files.

    Parameters
    ----------
    schema_version
        Version of this document's format.
    data_sha256, sample
        SHA-256 of the raw file, and number of its rows that were sampled; None for all.
    train_rows, test_rows
        Number of rows in each file.
    holdout, seed
        Share of the holdout, and random seed of the split.
    split, split_column
        How rows were chosen, and by which column: its keys are the last column of each file.
    contract
        Contract of the model that is trained on the files.
    files
        SHA-256 of each file, by name.
    notes
        Notes of cleaning.
    """

    schema_version: int = 1
    data_sha256: Digest
    sample: int | None
    train_rows: int
    test_rows: int
    holdout: float
    seed: int
    split: Literal["random", "time", "group"] = "random"
    split_column: str | None = None
    contract: Contract
    files: dict[str, Digest]
    notes: tuple[str, ...]


def table_and_split(
    spec: TableSpec, *, prepared: Path | None = None, progress: Progress = lambda _: None
) -> tuple[Table, Split]:
    """Table and split that training uses, from the raw table or from prepared files; both give the same model.

    Raises
    ------
    DataError, ConfigError
        See `read_table`, `split_labels` and `read_prepared`; or a column is missing in more rows than it may be.
    """
    if prepared is not None:
        progress(f"reading {prepared}")
        return read_prepared(prepared, spec)
    progress(f"reading {spec.data.path.name}")
    clean = read_clean(spec, progress=progress)
    findings = missing_cells(clean.frame, spec.bounds)
    refuse_failed(findings)
    labels = read_labels(clean, spec)
    split = split_labels(labels, holdout=spec.split.holdout, seed=spec.split.seed)
    clean = replace(clean, notes=(*clean.notes, *map(str, findings)))
    table = encode_table(clean, labels, spec, learned=split.train)
    return with_learned(table, split, spec.features), split


def prepare(spec: TableSpec, folder: Path, *, progress: Progress = lambda _: None) -> PreparedTable:
    """Write the prepared files of a table.

    Raises
    ------
    DataError, ConfigError
        See `table_and_split`.
    """
    table, split = table_and_split(spec, progress=progress)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE_FILE).unlink(missing_ok=True)  # written last, when all is well
    for name, rows in ((TRAIN_FILE, split.train), (TEST_FILE, split.holdout)):
        _write(folder / name, table, rows, progress)
    names = [TRAIN_FILE, TEST_FILE]
    if table.vocabularies:
        (folder / ENCODING_FILE).write_bytes(to_bytes([*table.vocabularies.values()]))
        names.append(ENCODING_FILE)
    prepared = PreparedTable(
        data_sha256=table.digest,
        sample=spec.data.sample,
        train_rows=len(split.train),
        test_rows=len(split.holdout),
        holdout=spec.split.holdout,
        seed=spec.split.seed,
        split=spec.split.kind,
        split_column=spec.split.column,
        contract=table.contract,
        files={name: file_digest(folder / name) for name in names},
        notes=table.notes,
    )
    (folder / TABLE_FILE).write_bytes(to_json(prepared, indent=2) + b"\n")
    return prepared


def read_prepared(folder: Path, spec: TableSpec) -> tuple[Table, Split]:
    """Read prepared files back: the table of the raw file, its training rows first, and its split.

    Raises
    ------
    DataError
        The files are missing, were changed, or have another split than `model.yaml` names.
    """
    prepared = _described(folder)
    if (prepared.holdout, prepared.seed, prepared.sample, prepared.split, prepared.split_column) != (
        spec.split.holdout,
        spec.split.seed,
        spec.data.sample,
        spec.split.kind,
        spec.split.column,
    ):
        raise DataError(f"{folder} was prepared with another split or sample than model.yaml names", _AGAIN)
    if prepared.contract.target.name != spec.target.column:
        raise DataError(f"{folder} was prepared to predict {prepared.contract.target.name}", _AGAIN)
    total = prepared.train_rows + prepared.test_rows
    numbers = np.empty((total, len(prepared.contract.features)))
    targets: Any = np.empty(total, dtype=np.int64 if prepared.contract.target.classes else np.float64)
    keys = np.empty(total if prepared.split != "random" else 0)
    first = 0
    in_texts = [feature for feature in prepared.contract.features if feature.kind == "text"]
    texts = {feature.name: np.full(total, None, dtype=object) for feature in in_texts}
    for name in (TRAIN_FILE, TEST_FILE, *([ENCODING_FILE] if texts else [])):
        if file_digest(folder / name) != prepared.files.get(name):
            raise DataError(f"{folder / name} was changed since it was prepared", _AGAIN)
    for name in (TRAIN_FILE, TEST_FILE):
        first = _read(folder / name, prepared.contract, numbers, texts, targets, keys, first)
    vocabularies: dict[str, Vocabulary] = {}
    if texts:
        found = from_bytes(Vocabulary, (folder / ENCODING_FILE).read_bytes(), [feature.width for feature in in_texts])
        vocabularies = dict(zip(texts, found, strict=True))
    by = SplitKeys(prepared.split, keys) if prepared.split != "random" else None
    table = Table(
        prepared.contract,
        with_blocks(prepared.contract, numbers, texts, vocabularies),
        targets,
        prepared.data_sha256,
        prepared.notes,
        by,
        texts,
        vocabularies,
    )
    return table, Split(np.arange(prepared.train_rows), np.arange(prepared.train_rows, total))


def _described(folder: Path) -> PreparedTable:
    path = folder / TABLE_FILE
    try:
        return PreparedTable.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", "run `skylift data prepare` first") from error
    except ValidationError as error:
        raise DataError(f"{path} is not what `skylift data prepare` writes", _AGAIN) from error


def _write(path: Path, table: Table, rows: NDArray[np.int64], progress: Progress) -> None:
    """Write some rows: numbers as Python writes them, which reads back as the same number."""
    names = [*(feature.name for feature in table.contract.features), table.contract.target.name]
    names += [_KEYS] if table.keys else []
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(map(_quoted, names)) + "\n")
        for first in range(0, len(rows), PART_ROWS):
            if first:
                progress(f"writing {path.name}: {first:,} of {len(rows):,} rows")
            part = rows[first : first + PART_ROWS]
            file.writelines(f"{','.join(cells)}\n" for cells in zip(*_cells(table, part), strict=True))


def _cells(table: Table, rows: NDArray[np.int64]) -> Iterable[list[str]]:
    """The cells of some rows, as they are written, a column at a time."""
    for feature, column in zip(table.contract.features, table.leads(rows).T, strict=True):
        if feature.kind == "text":
            yield ["" if text is None else _quoted(text) for text in table.texts[feature.name][rows].tolist()]
        elif feature.kind == "datetime":
            yield ["" if value != value else str(feature.decode(value)) for value in column.tolist()]  # noqa: PLR0124
        elif feature.levels:
            yield _named(feature.levels, column)
        elif feature.json_type == "integer":
            yield ["" if value != value else str(int(value)) for value in column.tolist()]  # noqa: PLR0124 (NaN)
        else:
            yield ["" if value != value else repr(value) for value in column.tolist()]  # noqa: PLR0124
    targets = table.targets[rows]
    if classes := table.contract.target.classes:
        yield _named([class_key(name) for name in classes], targets.astype(np.float64))
    else:
        yield [repr(value) for value in targets.tolist()]
    if table.keys is not None:
        yield [repr(value) for value in table.keys.values[rows].tolist()]


def _named(names: Sequence[str], codes: Matrix) -> list[str]:
    written = [*map(_quoted, names), ""]
    return [written[code] for code in np.where(np.isnan(codes), -1, codes).astype(np.int64).tolist()]


def _quoted(text: str) -> str:
    """A text as a CSV cell."""
    cell = io.StringIO()
    csv.writer(cell, lineterminator=_ENDS).writerow([text, ""])
    return cell.getvalue().removesuffix(f",{_ENDS}")


def _read(
    path: Path,
    contract: Contract,
    numbers: Matrix,
    texts: Mapping[str, NDArray[np.object_]],
    targets: NDArray[Any],
    keys: Matrix,
    first: int,
) -> int:
    """Read a prepared file into its place; where the next one begins."""
    numeric = [feature.name for feature in contract.features if feature.is_numeric]
    target = contract.target
    numeric += [] if target.classes else [target.name]
    names = [*(feature.name for feature in contract.features), target.name]
    if len(keys):
        names.append(_KEYS)
        numeric.append(_KEYS)
    with pd.read_csv(
        path,
        encoding="utf-8",
        dtype={name: "float64" if name in numeric else "object" for name in names},
        keep_default_na=False,
        na_values={name: [""] for name in names},
        chunksize=PART_ROWS,
    ) as parts:
        for part in parts:
            place = slice(first, first + len(part))
            for index, feature in enumerate(contract.features):
                column = part[feature.name]
                if feature.kind == "text":
                    texts[feature.name][place] = column.astype(object).where(column.notna(), None)
                numbers[place, index] = column if feature.name in numeric else _numbers(feature, column)
            classes = [class_key(name) for name in target.classes]
            targets[place] = _codes(classes, part[target.name]) if classes else part[target.name]
            if len(keys):
                keys[place] = part[_KEYS]
            first = place.stop
    return first


def _numbers(feature: Feature, column: "pd.Series[Any]") -> Matrix:
    """The numbers that stand for cells."""
    if feature.levels:
        return _codes(feature.levels, column)
    codes, distinct = pd.factorize(column)
    days = feature.encoder or float
    return np.array([*map(days, distinct), np.nan])[codes]


def _codes(names: Sequence[str], column: "pd.Series[Any]") -> Matrix:
    by_name = {name: float(code) for code, name in enumerate(names)}
    codes, distinct = pd.factorize(column)
    return np.array([*(by_name[text] for text in distinct), np.nan])[codes]
