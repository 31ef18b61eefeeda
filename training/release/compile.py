"""Compiles a trained model to ONNX, and keeps the compiled form only where it answers like scikit-learn.

scikit-learn is the reference: on every parity row the label must be the same, and each probability or value within
`TOLERANCE`, relative or absolute. A model that does not convert, or not well enough, is served as it is.
"""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skylift.contract import Contract
from skylift.errors import FOREIGN_FAILURES, UnservableModel
from skylift.manifest import Compiled
from skylift.predictors import OnnxPredictor, SklearnPredictor, onnx_failures
from skylift.scoring import Matrix, Predictor, best_classes
from training.data.table import Split, Table
from training.search.candidates import estimates_by_trees, number_columns

TOLERANCE = 1e-5

_MAX_TRAIN_ROWS = 10_000
_MAX_THRESHOLDS = 2_000
_BASE_ROWS = 3


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """The outcome of compiling.

    Parameters
    ----------
    data
        Content of the ONNX file; None if no form passed.
    outcome
        Entry of the manifest about compiling.
    """

    data: bytes | None
    outcome: Compiled


@dataclass(frozen=True, slots=True)
class _Parity:
    """How a form compares with the reference."""

    max_abs_diff: float
    agreement: float
    close: bool

    @property
    def passed(self) -> bool:
        return self.close and self.agreement == 1

    def __str__(self) -> str:
        return f"differs by up to {self.max_abs_diff:.2g}, labels agree on {self.agreement:.4%} of the rows"


def compile_model(estimator: Any, contract: Contract, rows: Matrix) -> CompiledModel:
    """Convert an estimator and keep the numerically closest form that passes the parity gate.

    Parameters
    ----------
    estimator
        Fitted scikit-learn estimator.
    rows
        Encoded rows to compare on, float64 `[n, features]`; see `parity_rows`.
    """
    expected = SklearnPredictor(estimator, contract.task).scores(rows)
    passed: list[tuple[float, bytes, Compiled]] = []
    reasons: list[str] = []
    unsupported: tuple[type[Exception], ...] = (UnservableModel, *FOREIGN_FAILURES, *onnx_failures())
    for dtype in _forms(estimator):
        try:
            data, opset = _convert(estimator, contract, dtype)
            parity = _compare(contract, expected, OnnxPredictor(data), rows)
        except unsupported as error:
            reasons.append(f"{dtype}: {type(error).__name__}: {_brief(error)}")
            continue
        if not parity.passed:
            reasons.append(f"{dtype}: {parity}")
            continue
        outcome = Compiled(
            format="onnx",
            dtype=dtype,
            opset=opset,
            rows=len(rows),
            max_abs_diff=parity.max_abs_diff,
            agreement=parity.agreement,
        )
        passed.append((parity.max_abs_diff, data, outcome))
    if not passed:
        return CompiledModel(None, Compiled(reason="; ".join(reasons)))
    _, data, outcome = min(passed, key=lambda form: form[0])
    return CompiledModel(data, outcome)


def parity_rows(estimator: Any, table: Table, split: Split) -> Matrix:
    """Rows on which a compiled form must agree.

    All of the holdout, the training rows up to 10,000, and edges: each feature at its training bounds, at the
    estimator's split thresholds and their float32 neighbours, missing, and in each of its categories.
    """
    known = table.rows[np.concatenate([split.holdout, split.train[:_MAX_TRAIN_ROWS]])]
    bases = table.rows[split.train[:_BASE_ROWS]]
    edges = []
    for column, value in _edges(estimator, table.contract):
        varied = bases.copy()
        varied[:, column] = value
        edges.append(varied)
    return np.vstack([known, *edges])


def _forms(estimator: Any) -> tuple[str, ...]:
    # scikit-learn's trees compare in float32 themselves: double thresholds only move rows to the other side.
    return ("float32",) if estimates_by_trees(estimator) else ("float32", "float64")


def _convert(estimator: Any, contract: Contract, dtype: str) -> tuple[bytes, int]:
    """The ONNX file, and the version of the main operator set it needs."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    tensor = FloatTensorType if dtype == "float32" else DoubleTensorType
    options = {"zipmap": False} if contract.task == "classification" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parity gate judges, not the converter's opinion of versions
        model = to_onnx(
            estimator, name="skylift", initial_types=[("rows", tensor([None, len(contract.features)]))], options=options
        )
    while len(model.graph.output) > 1:  # the label: it follows from the probabilities
        model.graph.output.pop(0)
    _send_missing_values_as_trained(model, estimator)
    opset = max(entry.version for entry in model.opset_import if entry.domain == "")
    return model.SerializeToString(deterministic=True), opset


def _send_missing_values_as_trained(model: Any, estimator: Any) -> None:
    """Give the tree nodes the side that missing values take, which the converter leaves out."""
    trees = list(_trees(estimator))
    sides = [
        side
        for tree in trees
        for side in np.where(tree.children_left != tree.children_right, tree.missing_go_to_left, 0).tolist()
    ]
    for node in model.graph.node:
        if node.op_type in {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}:
            attributes = {attribute.name: attribute for attribute in node.attribute}
            tracks = attributes.get("nodes_missing_value_tracks_true")
            if tracks is not None and len(tracks.ints) == len(sides):
                tracks.ints[:] = sides


def _compare(contract: Contract, expected: Matrix, predictor: Predictor, rows: Matrix) -> _Parity:
    got = predictor.scores(rows)
    if got.shape != expected.shape:
        raise ValueError(f"it answers with shape {got.shape}, not {expected.shape}")
    agreement = 1.0
    if contract.task == "classification":
        agreement = float((best_classes(got) == best_classes(expected)).mean())
    return _Parity(
        max_abs_diff=float(np.abs(got - expected).max()),
        agreement=agreement,
        close=bool(np.isclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE).all()),
    )


def _edges(estimator: Any, contract: Contract) -> Iterator[tuple[int, float]]:
    """Columns with values at which models are most likely to differ."""
    for column, feature in enumerate(contract.features):
        if feature.min is not None and feature.max is not None:
            yield column, feature.min
            yield column, feature.max
        if not feature.required:
            yield column, np.nan
        for code in range(len(feature.levels) if feature.is_nominal else 0):
            yield column, float(code)
    columns = number_columns(contract)
    for position, threshold in _some(sorted(_thresholds(estimator))):
        if position < len(columns):
            exact = np.float32(threshold)
            for value in (exact, np.nextafter(exact, np.float32(-np.inf)), np.nextafter(exact, np.float32(np.inf))):
                yield columns[position], float(value)


def _thresholds(estimator: Any) -> set[tuple[int, float]]:
    """Split points of trees, by the position of the column that their estimator sees."""
    found: set[tuple[int, float]] = set()
    for tree in _trees(estimator):
        # A split of missing from known values has an infinite threshold.
        inner = (tree.children_left != tree.children_right) & np.isfinite(tree.threshold)
        found.update(zip(tree.feature[inner].tolist(), tree.threshold[inner].tolist(), strict=True))
    return found


def _trees(estimator: Any) -> Iterator[Any]:
    """The fitted trees of an estimator's last step, in their order; none where it has none."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    for member in np.ravel(getattr(last, "estimators_", [last])):
        if (tree := getattr(member, "tree_", None)) is not None:
            yield tree


def _some[T](items: list[T]) -> Iterable[T]:
    """At most `_MAX_THRESHOLDS` of many, evenly."""
    return items[:: len(items) // _MAX_THRESHOLDS + 1]


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else "no text"
