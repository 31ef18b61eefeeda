"""Converters for LightGBM, which compares doubles and adds double leaves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMModel, LGBMRegressor
from numpy.typing import NDArray

from training.compile.dispatch import score, splits_of
from training.compile.graph import Tensor, shares
from training.compile.trees import Splits, Tree, codes_of_bits, constant_tree, sum_of_trees

_AS_THEY_ARE = {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}
_BY_LOGARITHM = {"poisson", "gamma", "tweedie"}

# Bits of a node's decision type, and its two bits for missing values (LightGBM's `tree.h`).
_BY_CATEGORY, _MISSING_LEFT, _MISSING_PLACE = 1, 2, 4
_NONE, _ZERO = 0, 1
_ALMOST_ZERO = float(np.float32(1e-35))
"""Numbers of this size are zeros (`kZeroThreshold`, a float there)."""


@dataclass(frozen=True, slots=True)
class _Model:
    """What LightGBM's text format says of a model.

    Parameters
    ----------
    objective, options
        Name of the objective, and what follows it.
    average
        Whether answers are the means of the trees, not their sums.
    per_iteration
        Number of trees of an iteration: one for each class, or one.
    trees
        Trees, iteration by iteration.
    zero_missing
        Columns in which zeros count as missing.
    """

    objective: str
    options: tuple[str, ...]
    average: bool
    per_iteration: int
    trees: list[Tree]
    zero_missing: list[int]


@score.register
def _score_regressor(estimator: LGBMRegressor, rows: Tensor) -> Tensor:
    model = _read(estimator)
    if model.objective in _BY_LOGARITHM:
        return _raw(model, estimator, rows).apply("Exp")
    if model.objective in _AS_THEY_ARE and "sqrt" not in model.options:
        return _raw(model, estimator, rows)
    raise _unknown(model)


@score.register
def _score_classifier(estimator: LGBMClassifier, rows: Tensor) -> Tensor:
    model = _read(estimator)
    steepness = next((float(option[8:]) for option in model.options if option.startswith("sigmoid:")), 1.0)
    if model.objective == "binary":
        return (_raw(model, estimator, rows) * np.array([[0.0, steepness]])).softmax()
    if model.objective == "multiclass":
        return _raw(model, estimator, rows).softmax()
    if model.objective == "multiclassova":
        return shares((_raw(model, estimator, rows) * steepness).logistic(), model.per_iteration)
    raise _unknown(model)


@splits_of.register
def _splits_of(estimator: LGBMModel) -> Splits:
    return Splits(np.float64, _read(estimator).trees)


def _unknown(model: _Model) -> NotImplementedError:
    return NotImplementedError(f"no converter for LightGBM's objective {' '.join([model.objective, *model.options])}")


def _raw(model: _Model, estimator: LGBMModel, rows: Tensor) -> Tensor:
    """Sums of the leaves, or their means, `[n, trees of an iteration]`."""
    if model.zero_missing:
        largest = np.full((1, estimator.n_features_in_), -1.0)
        largest[:, model.zero_missing] = _ALMOST_ZERO
        zeros = rows.apply("Abs").apply("LessOrEqual", largest)
        rows = rows.graph.constant(np.nan).where(zeros, rows)
    targets = [number % model.per_iteration for number in range(len(model.trees))]
    sums = sum_of_trees(rows, model.trees, targets)
    return sums / float(len(model.trees) // model.per_iteration) if model.average else sums


def _read(estimator: LGBMModel) -> _Model:
    """Read a fitted model, up to its best iteration if it stopped early."""
    header, *blocks = estimator.booster_.model_to_string().partition("\nend of trees")[0].split("\nTree=")
    fields, of_trees = _fields(header), [_fields(block) for block in blocks]
    if any(tree.get("is_linear") == "1" for tree in of_trees):
        raise NotImplementedError("no converter for LightGBM's linear trees")
    objective, *options = fields.get("objective", "of its user").split()
    return _Model(
        objective,
        tuple(options),
        "average_output" in fields,
        int(fields["num_tree_per_iteration"]),
        [_tree(tree) for tree in of_trees],
        sorted({column for tree in of_trees for column in _columns_of_missing_zeros(tree)}),
    )


def _fields(block: str) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in block.splitlines())}


def _numbers(tree: dict[str, str], name: str, dtype: type) -> NDArray[Any]:
    return np.array(tree.get(name, "").split(), dtype=dtype)


def _columns_of_missing_zeros(tree: dict[str, str]) -> list[int]:
    decision = _numbers(tree, "decision_type", int)
    of_zeros = (decision // _MISSING_PLACE == _ZERO) & (decision & _BY_CATEGORY == 0)
    return _numbers(tree, "split_feature", int)[of_zeros].tolist() if len(decision) else []


def _tree(tree: dict[str, str]) -> Tree:
    """A tree; its nodes are numbered before its leaves, which LightGBM counts from -1 down."""
    values = _numbers(tree, "leaf_value", float)
    inner = len(values) - 1
    if not inner:
        return constant_tree(values[0])
    decision, written = _numbers(tree, "decision_type", int), _numbers(tree, "threshold", float)
    # A number of the size of zero is compared as zero.
    of_zero = np.where(written >= 0, _ALMOST_ZERO, np.nextafter(-_ALMOST_ZERO, -np.inf))
    threshold = np.where(np.abs(written) <= _ALMOST_ZERO, of_zero, written)
    by_category = decision & _BY_CATEGORY == 1
    # Where training saw none missing, a missing number is zero; a missing category is in no set.
    left_of_missing = np.where(decision // _MISSING_PLACE == _NONE, threshold >= 0, decision & _MISSING_LEFT > 0)
    first = _numbers(tree, "cat_boundaries", int)
    words = _numbers(tree, "cat_threshold", np.uint32)

    def child(side: str) -> NDArray[Any]:
        numbers = _numbers(tree, f"{side}_child", int)
        return np.append(np.where(numbers < 0, inner - 1 - numbers, numbers), np.zeros(len(values), dtype=int))

    def of_nodes(array: NDArray[Any]) -> NDArray[Any]:
        return np.append(array, np.zeros(len(values), dtype=array.dtype))

    return Tree(
        left=child("left"),
        right=child("right"),
        leaf=np.arange(inner + len(values)) >= inner,
        feature=of_nodes(_numbers(tree, "split_feature", int)),
        threshold=of_nodes(threshold),
        missing_left=of_nodes(left_of_missing & ~by_category),
        value=np.append(np.zeros(inner), values),
        categories={
            int(node): codes_of_bits(words[first[place] : first[place + 1]])
            for node in np.flatnonzero(by_category)
            for place in [int(written[node])]
        },
    )
