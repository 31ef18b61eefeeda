"""The contract of a table, and its rows as estimators see them."""

from pathlib import Path

import pytest

from tests.support.tables import (
    one_feature,
    public_table,
    table_of,
)

PLAIN = one_feature(lambda number: f"{number % 7}.5")


@pytest.mark.parametrize(("name", "columns", "task"), [("wine", 13, "classification"), ("diabetes", 10, "regression")])
def test_public_tables_are_read_as_they_are(tmp_path: Path, name: str, columns: int, task: str) -> None:
    table = table_of(tmp_path, public_table(name), target="target")

    assert (len(table.contract.features), table.contract.task) == (columns, task)
