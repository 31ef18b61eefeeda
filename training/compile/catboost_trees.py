"""Converters for CatBoost, which compares float32 values and adds double leaves; of its trees of numbers alone."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from catboost import CatBoost, CatBoostClassifier, CatBoostRegressor
from numpy.typing import NDArray

from training.compile.dispatch import score, splits_of
from training.compile.graph import Tensor
from training.compile.trees import Splits, Tree, as_compared, constant_tree, sum_of_leaves

_AS_THEY_ARE = {"RMSE", "MAE", "Quantile", "MAPE", "Huber", "LogCosh", "Expectile", "Lq"}
_BY_LOGARITHM = {"Poisson", "Tweedie"}
_OF_TWO_CLASSES = {"Logloss", "CrossEntropy", "Focal"}


@score.register
def _score_regressor(estimator: CatBoostRegressor, rows: Tensor) -> Tensor:
    model = _read(estimator, _AS_THEY_ARE | _BY_LOGARITHM)
    raw = _raw(model, rows)
    return raw.apply("Exp") if _loss(model) in _BY_LOGARITHM else raw


@score.register
def _score_classifier(estimator: CatBoostClassifier, rows: Tensor) -> Tensor:
    model = _read(estimator, _OF_TWO_CLASSES | {"MultiClass"})
    raw = _raw(model, rows)
    return raw.softmax() if _loss(model) == "MultiClass" else (raw * np.array([[0.0, 1.0]])).softmax()


@splits_of.register
def _splits_of(estimator: CatBoost) -> Splits:
    return Splits(np.float32, [tree for tree, _ in _trees(_read(estimator))])


def _read(estimator: CatBoost, losses: set[str] | None = None) -> dict[str, Any]:
    """What CatBoost's JSON format says of a fitted model.

    https://catboost.ai/docs/en/concepts/json-model
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model: dict[str, Any] = json.loads(path.read_bytes())
    if losses is not None and _loss(model) not in losses:
        raise NotImplementedError(f"no converter for CatBoost's loss {_loss(model)}")
    if model["features_info"].keys() - {"float_features"}:
        raise NotImplementedError("no converter for CatBoost's own categories, texts and embeddings")
    return model


def _loss(model: dict[str, Any]) -> str:
    return str(model["model_info"]["params"]["loss_function"]["type"])


def _raw(model: dict[str, Any], rows: Tensor) -> Tensor:
    """Sums of the leaves, scaled and shifted, `[n, classes]`, or `[n, 1]` for two classes and values."""
    scale, bias = model["scale_and_bias"]
    trees, leaves = zip(*_trees(model), strict=True)
    sums = sum_of_leaves(as_compared(rows), trees, [float(scale) * values for values in leaves])
    return sums + np.array([bias], dtype=float)


def _trees(model: dict[str, Any]) -> list[tuple[Tree, NDArray[np.float64]]]:
    """Trees, each with the values of its leaves, `[leaves, classes]`."""
    features = model["features_info"]["float_features"]
    columns = np.array([feature["flat_feature_index"] for feature in features])
    missing_left = np.array([feature["nan_value_treatment"] != "AsTrue" for feature in features])
    if "oblivious_trees" in model:
        return [_oblivious(tree, columns, missing_left) for tree in model["oblivious_trees"]]
    return [_nested(tree, columns, missing_left) for tree in model["trees"]]


def _oblivious(
    document: dict[str, Any], columns: NDArray[Any], missing_left: NDArray[np.bool_]
) -> tuple[Tree, NDArray[np.float64]]:
    """A tree of one split for each level, in the order of a heap: the last split is the root's.

    The number of a leaf has a bit for each split, that of the first split the lowest.
    """
    splits = document["splits"][::-1]
    leaves = np.array(document["leaf_values"], dtype=float).reshape(2 ** len(splits), -1)
    if not splits:
        return constant_tree(0.0), leaves
    levels = np.repeat(np.arange(len(splits)), 2 ** np.arange(len(splits)))
    borders, features = _borders(splits)
    inner, every = len(levels), np.arange(len(levels) + len(leaves))
    padding = np.zeros(len(leaves), dtype=int)
    of_nodes = np.append(features[levels], padding)
    tree = Tree(
        left=np.where(every < inner, 2 * every + 1, 0),
        right=np.where(every < inner, 2 * every + 2, 0),
        leaf=every >= inner,
        feature=columns[of_nodes],
        threshold=np.append(borders[levels], padding.astype(float)),
        missing_left=missing_left[of_nodes],
        value=np.zeros(len(every)),
    )
    return tree, leaves


def _borders(splits: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Largest values that go left, and the numbers of their features."""
    borders = np.array([split["border"] for split in splits], dtype=np.float32).astype(float)
    return borders, np.array([split["float_feature_index"] for split in splits])


def _nested(
    document: dict[str, Any], columns: NDArray[Any], missing_left: NDArray[np.bool_]
) -> tuple[Tree, NDArray[np.float64]]:
    """A tree of nodes within nodes, as trees that grow by depth or by loss are written."""
    nodes = [document]
    children = np.zeros((0, 2), dtype=int)
    for node in nodes:  # grows: the children of a node follow all that are known
        children = np.vstack([children, [len(nodes), len(nodes) + 1] if "split" in node else [0, 0]])
        nodes += [node["left"], node["right"]] if "split" in node else []
    leaf = np.array(["split" not in node for node in nodes])
    leaves = np.array([np.atleast_1d(node["value"]) for node in nodes if "split" not in node], dtype=float)
    if leaf[0]:
        return constant_tree(0.0), leaves
    nothing = {"border": 0.0, "float_feature_index": 0}
    borders, features = _borders([node.get("split", nothing) for node in nodes])
    tree = Tree(
        left=children[:, 0],
        right=children[:, 1],
        leaf=leaf,
        feature=columns[features],
        threshold=borders,
        missing_left=missing_left[features],
        value=np.zeros(len(nodes)),
    )
    return tree, leaves
