"""A contract as MLflow describes the columns of a model."""

import pytest

from skylift.contract import Contract, Target
from skylift.feature import Feature, Kind
from tests.support.tracking import silenced_mlflow


@pytest.mark.parametrize(
    ("kind", "required", "column"),
    [
        ("number", True, "double"),
        ("number", False, "double"),
        ("integer", True, "long"),
        ("integer", False, "double"),
        ("boolean", True, "boolean"),
        ("category", False, "string"),
    ],
)
def test_a_feature_has_the_type_that_pandas_gives_its_column(kind: Kind, required: bool, column: str) -> None:
    categories = ("a", "b") if kind == "category" else ()
    feature = Feature(name="x", kind=kind, required=required, categories=categories)
    contract = Contract(task="regression", features=(feature,), target=Target(name="y"))
    with silenced_mlflow():  # here: most workers need not import it
        from training.tracking.mlflow_model import input_schema

    assert input_schema(contract).to_dict() == [{"type": column, "name": "x", "required": required}]
