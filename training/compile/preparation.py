"""Converters for what comes before an estimator: pipelines, columns, imputation, scaling, columns of ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from skylift.scoring import Matrix
from training.compile.dispatch import answers, decide, restore, score, transform
from training.compile.encoders import is_plain, one_hot
from training.compile.graph import Tensor, concatenate


@score.register
def _score_pipeline(pipeline: Pipeline, rows: Tensor) -> Tensor:
    return score(pipeline.steps[-1][1], _steps(pipeline.steps[:-1], rows))


@decide.register
def _decide_pipeline(pipeline: Pipeline, rows: Tensor) -> Tensor:
    return decide(pipeline.steps[-1][1], _steps(pipeline.steps[:-1], rows))


@answers.register
def _answer_of_pipeline(pipeline: Pipeline, rows: Matrix) -> Matrix:
    for _, step in pipeline.steps[:-1]:  # one by one: a part of a pipeline refuses a last step that learns nothing
        if step is not None and step != "passthrough":
            rows = step.transform(rows)
    return answers(pipeline.steps[-1][1], rows)


@transform.register
def _transform_pipeline(pipeline: Pipeline, rows: Tensor) -> Tensor:
    return _steps(pipeline.steps, rows)


def _steps(steps: list[tuple[str, Any]], rows: Tensor) -> Tensor:
    for _, step in steps:
        if step is not None and step != "passthrough":
            rows = transform(step, rows)
    return rows


@score.register
def _score_transformed_target(estimator: TransformedTargetRegressor, rows: Tensor) -> Tensor:
    return restore(estimator.transformer_, score(estimator.regressor_, rows))


@transform.register
def _transform_columns(transformer: ColumnTransformer, rows: Tensor) -> Tensor:
    weights = transformer.transformer_weights or {}
    parts: list[Tensor] = []
    codes: list[int] = []
    categories: list[NDArray[Any]] = []
    for name, part, _ in transformer.transformers_:
        columns = [int(column) for column in transformer._transformer_to_input_indices[name]]
        if part == "drop" or not columns:
            continue
        if name not in weights and (encoder := _plain_one_hot(part)):
            codes += columns
            categories += encoder.categories_
            continue
        if codes:
            parts.append(one_hot(rows, codes, categories))
            codes, categories = [], []
        taken = rows.columns(columns)
        made = taken if part == "passthrough" else transform(part, taken)
        parts.append(made * float(weights[name]) if name in weights else made)
    if codes:
        parts.append(one_hot(rows, codes, categories))
    return concatenate(parts)


def _plain_one_hot(part: Any) -> OneHotEncoder | None:
    """The encoder of a step that gives a column per known category and nothing for all else, so that neighbours merge.

    A constant for missing values that is not among the categories gives nothing too.
    """
    encoder = part
    if isinstance(part, Pipeline):
        if len(part.steps) != 2 or not isinstance(imputer := part.steps[0][1], SimpleImputer):
            return None
        encoder = part.steps[1][1]
        if imputer.strategy != "constant" or imputer.add_indicator or not _is_nan(imputer.missing_values):
            return None
        if not isinstance(encoder, OneHotEncoder) or any(imputer.fill_value in known for known in encoder.categories_):
            return None
    return encoder if isinstance(encoder, OneHotEncoder) and is_plain(encoder) else None


@transform.register
def _transform_imputer(imputer: SimpleImputer, rows: Tensor) -> Tensor:
    statistics = imputer.statistics_.astype(float)
    filled = rows
    if imputer.strategy != "constant" and not imputer.keep_empty_features and np.isnan(statistics).any():
        known = np.flatnonzero(~np.isnan(statistics))
        filled, statistics = rows.columns(known.tolist()), statistics[known]
    missing = _is_missing(filled, imputer.missing_values)
    filled = filled.graph.constant(statistics).where(missing, filled)
    if not imputer.add_indicator:
        return filled
    return concatenate([filled, transform(imputer.indicator_, rows)])


@transform.register
def _transform_indicator(indicator: MissingIndicator, rows: Tensor) -> Tensor:
    return _is_missing(rows.columns(indicator.features_.tolist()), indicator.missing_values).as_double()


def _is_missing(rows: Tensor, missing: Any) -> Tensor:
    return rows.apply("IsNaN") if _is_nan(missing) else rows.apply("Equal", float(missing))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)


@transform.register
def _transform_standard(scaler: StandardScaler, rows: Tensor) -> Tensor:
    return _shift_and_divide(rows, scaler.mean_ if scaler.with_mean else None, scaler.scale_)


@transform.register
def _transform_robust(scaler: RobustScaler, rows: Tensor) -> Tensor:
    center, scale = (
        scaler.center_ if scaler.with_centering else None,
        scaler.scale_ if scaler.with_scaling else None,
    )
    return _shift_and_divide(rows, center, scale)


@transform.register
def _transform_max_abs(scaler: MaxAbsScaler, rows: Tensor) -> Tensor:
    return _clip(rows / scaler.scale_, (-1.0, 1.0)) if scaler.clip else rows / scaler.scale_


@transform.register
def _transform_min_max(scaler: MinMaxScaler, rows: Tensor) -> Tensor:
    scaled = rows * scaler.scale_ + scaler.min_
    return _clip(scaled, scaler.feature_range) if scaler.clip else scaled


def _shift_and_divide(rows: Tensor, shift: NDArray[Any] | None, scale: NDArray[Any] | None) -> Tensor:
    if shift is not None:
        rows = rows - shift
    return rows if scale is None else rows / scale


def _clip(rows: Tensor, bounds: tuple[float, float]) -> Tensor:
    low, high = map(float, bounds)
    return rows.apply("Clip", low, high)


@restore.register
def _restore_standard(scaler: StandardScaler, values: Tensor) -> Tensor:
    if scaler.scale_ is not None:
        values = values * scaler.scale_
    return values + np.asarray(scaler.mean_) if scaler.with_mean else values


@restore.register
def _restore_robust(scaler: RobustScaler, values: Tensor) -> Tensor:
    if scaler.with_scaling:
        values = values * scaler.scale_
    return values + np.asarray(scaler.center_) if scaler.with_centering else values


@restore.register
def _restore_max_abs(scaler: MaxAbsScaler, values: Tensor) -> Tensor:
    return values * np.asarray(scaler.scale_)


@restore.register
def _restore_min_max(scaler: MinMaxScaler, values: Tensor) -> Tensor:
    return (values - np.asarray(scaler.min_)) / np.asarray(scaler.scale_)
