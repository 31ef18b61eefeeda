"""Tables as people have them, one of each kind, with how their clients read them and what the service remarks."""

import csv
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from tests.support.tables import RIDGE, TREE, config_of, lines
from training.config import ModelConfig

type Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RawTable:
    """A table with the target `y`, unless it says otherwise.

    Parameters
    ----------
    text
        Content of the file.
    sections
        What `model.yaml` has beside the required keys.
    regression
        Whether the task is one.
    encoding, sign
        Encoding and delimiter of the file.
    reading
        Further arguments that its owner gives `pandas.read_csv`.
    left_out
        Numbers of the rows that training leaves out.
    remarks
        How the warnings of all rows begin, beside the one of columns that are not used.
    """

    text: str
    sections: Mapping[str, Any] = field(default_factory=dict)
    regression: bool = False
    target: str = "y"
    encoding: str = "utf-8"
    sign: str = ","
    reading: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()

    def config(self, folder: Path) -> ModelConfig:
        """The configuration that trains it, and its file."""
        path = folder / "table.csv"
        path.write_bytes(self.text.encode(self.encoding))
        target = {"task": "regression" if self.regression else "classification"} | self.sections.get("target_keys", {})
        candidates = [RIDGE if self.regression else TREE]
        return config_of(path, target=self.target, candidates=candidates, **{**self.sections, "target_keys": target})

    @property
    def target_in_file(self) -> str:
        """The target's name in the file."""
        renamed: Mapping[str, str] = self.sections.get("data_keys", {}).get("rename", {})
        return next((old for old, new in renamed.items() if new == self.target), self.target)

    @property
    def as_pandas_reads_it(self) -> Rows:
        """The rows as JSON has them that pandas writes, which guesses types by columns."""
        frame = pd.read_csv(StringIO(self.text), sep=self.sign, **self.reading)
        rows: Rows = json.loads(frame.to_json(orient="records"))
        return rows

    @property
    def as_written(self) -> Rows:
        """The rows as the csv module reads them, a column as numbers or booleans where it holds nothing else."""
        rows: Rows = list(csv.DictReader(StringIO(self.text), self.reading.get("names"), delimiter=self.sign))
        for name in rows[0].keys() - set(self.reading.get("dtype", ())):
            with suppress(ValueError):  # it has texts
                for row, value in zip(rows, [_json(row[name]) for row in rows], strict=True):
                    row[name] = value
        return rows


def _json(cell: str) -> float | bool | None:
    if not cell:
        return None
    return cell.lower() == "true" if cell.lower() in {"true", "false"} else float(cell)


def _table(header: str, row: Callable[[int], str], *, count: int = 60, **about: Any) -> RawTable:
    return RawTable(lines(header, row, count=count), **about)


def _iris() -> RawTable:
    names = {f"{part}{side}Cm": f"{part}_{side}".lower() for part in ("Sepal", "Petal") for side in ("Length", "Width")}
    return _table(
        f"Id,{','.join(names)},Species",
        lambda row: (
            f"{row + 1},{5 + row % 7 / 10},{3 + row % 5 / 10},{1 + row % 3},{row % 3 / 2},Iris-{'abc'[row % 3]}"
        ),
        target="species",
        sections={
            "data_keys": {"drop": ["Id"], "rename": names | {"Species": "species"}},
            "target_keys": {"labels": {"Iris-a": "a", "Iris-b": "b", "Iris-c": "c"}},
            "validate": {"trusted": list(names.values())},
        },
    )


RAW_TABLES: dict[str, RawTable] = {
    "numbers": _table("number,n,y", lambda row: f"{row % 5 / 8},{row % 7},{row * 37 % 11}", regression=True),
    "gaps": _table(
        "gap,n,y", lambda row: f"{'' if row % 9 == 4 else row % 5 / 8},{row % 7},{row * 37 % 11}", regression=True
    ),
    "booleans": _table("flag,n,y", lambda row: f"{('TRUE', 'FALSE')[row % 2]},{row % 3},{'ab'[row // 2 % 2]}"),
    "booleans with gaps": _table("flag,n,y", lambda row: f"{('True', 'False', '')[row % 3]},{row % 3},{'ab'[row % 2]}"),
    "a boolean target": _table("n,fake", lambda row: f"{row % 7},{('TRUE', 'FALSE')[row // 4 % 2]}", target="fake"),
    "many texts": _table("zone,n,y", lambda row: f"z{row:03},{row % 2},{'ab'[row % 2]}", count=120),
    "dates with dashes": _table(
        "left_on,n,y",
        lambda row: f"{row % 28 + 1:02}-{row % 12 + 1:02}-2013,{row % 4},{'ab'[row % 2]}",
        count=120,
    ),
    "rare categories": _table("sex,boat,y", lambda row: f"{'FM'[row % 2]},{('', 'B24', 'C5')[row % 3]},{row // 3 % 2}"),
    "trailing spaces": _table(
        "sex,team,y", lambda row: f"{('F', 'M ')[row % 2]},{('Sales', '  Sales', 'IT  ')[row % 3]},{row // 2 % 2}"
    ),
    "names with blanks": _table(
        " id ,BMI , Hepatitis B,same,y",
        lambda row: f"{row},{row % 7 / 2},{row % 5},always,{'ab'[row % 2]}",
        sections={"data_keys": {"rename": {"Hepatitis B": "hepatitis_b"}}},
    ),
    "an index without a name": _table(",a,y", lambda row: f"{row},{row * 37 % 11},{'ab'[row % 2]}"),
    "numbers among texts": _table(
        "room,a,y", lambda row: f"{('1', '2', 'A')[row % 3]},{row * 37 % 11},{'ab'[row % 2]}"
    ),
    "an empty column": _table("empty,a,y", lambda row: f",{row * 37 % 11},{'ab'[row % 2]}"),
    "question marks": _table(
        "power,flag,size,y",
        lambda row: (
            f"{'?' if row == 7 else 50 + row % 40},{'?' if row == 9 else row % 3 == 0},{row % 9 / 2},{row % 13}"
        ),
        regression=True,
    ),
    "words for missing": _table(
        "a,b,y",
        lambda row: (
            f"{('N/A', 'k.A.')[row % 2] if row % 9 == 4 else row % 8},{-999 if row % 7 == 3 else row % 5},{row % 13}"
        ),
        regression=True,
        sections={"data_keys": {"missing": ["k.A.", "-999"]}},
    ),
    "a row of units": _table(
        "speed,weight,ok",
        lambda row: "km/h,kg,-" if row == 0 else f"{90 + row % 40},{20 + row % 60},{'ny'[row // 3 % 2]}",
        target="ok",
        left_out=(0,),
    ),
    "amounts and shares": _table(
        "cost,share,y",
        lambda row: f'"${1 + row % 3},{100 + row}",{row % 90 + 5}%,{row % 2}',
        reading={"thousands": None},
    ),
    "decimal commas": _table(
        "cost;n;y",
        lambda row: f"{1 + row % 9}.{100 + row},{row % 10};{row % 7},5;{row % 2}",
        sign=";",
    ),
    "dots between thousands": _table(
        "Einwohner;Typ;y",
        lambda row: f"{1 + row % 9}.{10 * row + 15:03};{'AB'[row % 2]};{row // 2 % 2}",
        sign=";",
        sections={"data_keys": {"thousands": "."}},
        reading={"dtype": {"Einwohner": str}},
    ),
    "Windows-1252": _table(
        "Stadt,größe,y", lambda row: f"{('Köln', 'Málaga')[row % 2]},{row % 6},{row // 2 % 2}", encoding="cp1252"
    ),
    "no header": RawTable(
        "".join(f"{row % 7 / 2},{row % 5 / 4},{('yes', 'no')[row % 2]}\n" for row in range(60)),
        target="bought",
        sections={"data_keys": {"columns": ["age", "income", "bought"]}},
        reading={"names": ["age", "income", "bought"], "header": None},
    ),
    "names with commas": _table(
        '"Rent, cold, in EUR";"Area, m2";y',
        lambda row: f"{row % 7};{row % 5 / 2};{row % 13}",
        sign=";",
        regression=True,
    ),
    "one odd label": _table("age,y", lambda row: f"{row % 9},{7 if row == 5 else row // 2 % 2}", left_out=(5,)),
    "a large target": _table("area,y", lambda row: f"{30 + row % 5},{1_700_000_000 + row % 31}", regression=True),
    "rows in the order of time": _table(
        "No,day,hour,y", lambda row: f"{row + 1},{row // 24 + 1},{row % 24},{400 + row % 11 / 10}", regression=True
    ),
    "labels with leading zeros": _table(
        "x,z,y", lambda row: f"{row % 7},{row % 5},{('01', '1', '02')[row % 3]}", reading={"dtype": {"y": str}}
    ),
    "labels beyond a double": _table(
        "x,z,y",
        lambda row: f"{row % 7},{row % 5},{('18446744073709551003', '12000000000000000000')[row % 2]}",
    ),
    "labels that are words": _table("x,z,y", lambda row: f"{row % 7},{row % 5},{('None', 'Mild', 'NA')[row % 3]}"),
    "labels in several cases": _table("a,b,y", lambda row: f"{row % 7},{row % 5},{('no', 'YES', 'Yes')[row % 3]}"),
    "a country called NA": _table(
        "country,x,y",
        lambda row: f"{('NA', 'ZA', 'FR')[row % 3]},{row % 7},{'ab'[row % 2]}",
        reading={"keep_default_na": False},
    ),
    "zip codes": _table(
        "zip,a,y",
        lambda row: f"{('01067', '10115', '04109')[row % 3]},{row % 7},{row % 13}",
        regression=True,
        sections={"features": {"zip": {"kind": "category"}}},
        reading={"dtype": {"zip": str}},
    ),
    "a category of the holdout alone": _table(
        "c,x,y",
        lambda row: f"{'b' if row == 59 else 'a'},{row % 7},{row}",
        regression=True,
        sections={"split": {"time": "y"}},
        remarks=("no training row has 'b'",),
    ),
    "renamed columns": _iris(),
}
"""By a name of the kind."""
