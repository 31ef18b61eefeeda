"""Compiles a trained model to ONNX, and keeps a compiled form only where it answers like scikit-learn.

scikit-learn is the reference: on every parity row the label must be the same, and each probability or value as close as
`skylift.golden` wants of an answer. The forms are tried in the order of their precision: Skylift's own converters,
skl2onnx in double, skl2onnx in single precision. A model of which no form passes is served as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.pipeline import Pipeline

from skylift.contract import Contract
from skylift.errors import FOREIGN_FAILURES, UnservableModel
from skylift.golden import LARGEST_LOG_ODDS_DIFFERENCE, allowed_difference, tolerance_of_values
from skylift.manifest import Compiled
from skylift.predictors import OnnxPredictor, SklearnPredictor, onnx_failures
from skylift.scoring import Matrix, Predictor, as_distributions, predicted_classes
from training.compile import exact, fallback
from training.compile.dispatch import answers, own_answers
from training.compile.parity_rows import edge_rows, known_rows, limit_rows
from training.data.table import Split, Table
from training.search.candidates import estimates_by_trees

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """The outcome of compiling.

    Parameters
    ----------
    data
        ONNX file; None where no form passed.
    outcome
        Record for the manifest.
    predictor
        Predictor of the form that is served: the compiled one, or scikit-learn's.
    tolerance
        Largest difference between two forms of the model, for `skylift.golden.agree`.
    """

    data: bytes | None
    outcome: Compiled
    predictor: Predictor
    tolerance: float


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


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to compile an estimator."""

    converter: Literal["skylift", "skl2onnx"]
    dtype: str
    convert: "partial[ModelProto]"


def compile_model(estimator: Any, table: Table, split: Split) -> CompiledModel:
    """Convert an estimator and keep the first form that passes the parity gate.

    Parameters
    ----------
    estimator
        Fitted on the training rows.
    table, split
        Table and split that it was fitted on.
    """
    contract = table.contract
    reference = SklearnPredictor(estimator, contract.task)
    tolerance = parity_tolerance(reference, table, split)
    if (own := own_answers(estimator)) is not None:
        return CompiledModel(None, Compiled(reason=own), reference, tolerance)
    rows = np.vstack([known_rows(table, split), edge_rows(estimator, table, split)])
    rows, expected = _with_limits(_Reference(estimator, contract.task), rows, limit_rows(table, split))
    reasons: list[str] = []
    unsupported: tuple[type[BaseException], ...] = (UnservableModel, *FOREIGN_FAILURES, *onnx_failures())
    for form in _forms(estimator, contract):
        try:
            model = form.convert()
            data = model.SerializeToString(deterministic=True)
            predictor = OnnxPredictor(data)
            parity = _compare(contract, expected, predictor.scores(rows), tolerance)
        except unsupported as error:
            reasons.append(f"{form.converter} {form.dtype}: {_brief(error)}")
            continue
        if not parity.passed:
            reasons.append(f"{form.converter} {form.dtype}: {parity}")
            continue
        outcome = Compiled(
            format="onnx",
            converter=form.converter,
            dtype=form.dtype,
            opset=max(entry.version for entry in model.opset_import if entry.domain == ""),
            rows=len(rows),
            max_abs_diff=parity.max_abs_diff,
            agreement=parity.agreement,
            reason="; ".join(reasons) or None,
        )
        return CompiledModel(data, outcome, predictor, tolerance)
    return CompiledModel(None, Compiled(reason="; ".join(reasons)), reference, tolerance)


class _Reference:
    """What a form is compared with: the estimator's answers, as precise as it can give them."""

    def __init__(self, estimator: Any, task: str) -> None:
        self._estimator = estimator
        self._classifies = task == "classification"

    def scores(self, rows: Matrix) -> Matrix:
        given = answers(self._estimator, rows)
        return as_distributions(given) if self._classifies else given


def parity_tolerance(reference: Predictor, table: Table, split: Split) -> float:
    """Tolerance of a model's forms, by its error on the holdout; see `skylift.golden.allowed_difference`."""
    if table.contract.task == "classification":
        return LARGEST_LOG_ODDS_DIFFERENCE
    targets = table.targets[split.holdout]
    errors = reference.scores(table.rows[split.holdout]) - targets
    return tolerance_of_values(float(np.sqrt(np.mean(errors**2))), float(np.abs(targets).max()))


def _forms(estimator: Any, contract: Contract) -> Iterator[_Form]:
    yield _Form("skylift", "float64", partial(exact.convert, estimator, contract))
    trees = estimates_by_trees(estimator)
    # skl2onnx moves trees' double thresholds to other sides, and loops for ever on infinite ones.
    double = () if trees else ("float64",)
    single = () if _jumps(estimator, trees=trees) else ("float32",)
    for dtype in (*double, *single):
        yield _Form("skl2onnx", dtype, partial(fallback.convert, estimator, contract, dtype))


def _jumps(estimator: Any, *, trees: bool) -> bool:
    """Whether what single precision rounds off may decide an answer, in rows that no gate can name.

    Trees compare float32 values themselves, but those that steps before them compute are others then. Of two neighbours
    another one is nearer.
    """
    parts = [estimator, *estimator.get_params().values()]
    behind_steps = trees and any(isinstance(part, Pipeline) for part in parts)
    return behind_steps or any(type(part).__module__.startswith("sklearn.neighbors.") for part in parts)


def _with_limits(reference: Predictor, rows: Matrix, limits: Matrix) -> tuple[Matrix, Matrix]:
    """Rows and their expected scores; with those at the limits, where the reference can score these."""
    try:
        every = np.vstack([rows, limits])
        with np.errstate(all="ignore"):
            return every, reference.scores(every)
    except FOREIGN_FAILURES:  # for example of a number that scaling made infinite
        return rows, reference.scores(rows)


def _compare(contract: Contract, expected: Matrix, scores: Matrix, tolerance: float) -> _Parity:
    if scores.shape != expected.shape:
        raise ValueError(f"it answers with shape {scores.shape}, not {expected.shape}")
    classifies = contract.task == "classification"
    ours, theirs = (predicted_classes(contract.target, side) if classifies else side for side in (scores, expected))
    agreement = float((ours == theirs).mean()) if classifies else 1.0
    with np.errstate(invalid="ignore"):  # where both are infinite
        differences = np.abs(scores - expected)
    same = (scores == expected) | (np.isnan(scores) & np.isnan(expected))
    allowed = allowed_difference(expected, tolerance, probability=classifies)
    return _Parity(
        max_abs_diff=float(np.max(differences, where=np.isfinite(expected), initial=0.0)),
        agreement=agreement,
        close=bool((same | (np.isfinite(expected) & (differences <= allowed))).all()),
    )


def _brief(error: BaseException) -> str:
    if isinstance(error, NotImplementedError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160] if lines else 'no text'}"
