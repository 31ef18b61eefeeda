"""Converters for what makes features of features: products, bins, projections, selections, functions of numpy."""

from collections.abc import Callable
from functools import reduce
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection._base import SelectorMixin
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import Binarizer, FunctionTransformer, KBinsDiscretizer, PolynomialFeatures, PowerTransformer
from sklearn.utils import check_array

from training.compile.dispatch import restore, transform
from training.compile.graph import Tensor, concatenate


def _log1p(values: Tensor) -> Tensor:
    """Logarithm of 1 + x: x / ((1 + x) - 1) undoes what the sum rounds off.

    Goldberg, What every computer scientist should know about floating-point arithmetic, theorem 4.
    """
    raised = values + 1.0
    corrected = raised.apply("Log") * values / (raised - 1.0)
    return values.where(raised.apply("Equal", 1.0), corrected.where(_is_finite(raised), raised.apply("Log")))


def _is_finite(values: Tensor) -> Tensor:
    return values.apply("Abs").apply("Less", np.inf)


_FUNCTIONS: dict[Any, Callable[[Tensor], Tensor]] = {
    None: lambda values: values,
    np.abs: lambda values: values.apply("Abs"),
    np.exp: lambda values: values.apply("Exp"),
    np.expm1: lambda values: values.apply("Exp") - 1.0,
    np.log: lambda values: values.apply("Log"),
    np.log1p: _log1p,
    np.sqrt: lambda values: values.apply("Sqrt"),
    np.square: lambda values: values * values,
    np.tanh: lambda values: values.apply("Tanh"),
}
"""Functions of numpy that take each number by itself."""


@transform.register
def _transform_function(transformer: FunctionTransformer, rows: Tensor) -> Tensor:
    function, options = transformer.func, transformer.kw_args
    if function is np.clip and options and options["a_min"] is None:
        return rows.apply("Min", float(options["a_max"]))
    if function is np.diff and not options:
        width = transformer.n_features_in_
        return rows.columns(range(1, width)) - rows.columns(range(width - 1))
    if getattr(function, "func", None) is check_array:  # by which HistGradientBoosting checks its numbers
        return rows
    if options or not isinstance(function, np.ufunc | None) or function not in _FUNCTIONS:
        raise NotImplementedError("no converter for FunctionTransformer")
    return _FUNCTIONS[function](rows)


@restore.register
def _restore_function(transformer: FunctionTransformer, values: Tensor) -> Tensor:
    function = transformer.inverse_func
    if transformer.inv_kw_args or not isinstance(function, np.ufunc | None) or function not in _FUNCTIONS:
        raise NotImplementedError("no converter for the function that brings the target back")
    return _FUNCTIONS[function](values)


@transform.register
def _transform_union(union: FeatureUnion, rows: Tensor) -> Tensor:
    weights = union.transformer_weights or {}
    parts = []
    for name, part in union.transformer_list:
        if part != "drop":
            made = rows if part == "passthrough" else transform(part, rows)
            parts.append(made * float(weights[name]) if name in weights else made)
    return concatenate(parts)


@transform.register
def _transform_selected(selector: SelectorMixin, rows: Tensor) -> Tensor:
    return rows.columns(selector.get_support(indices=True).tolist())


@transform.register(PCA)
@transform.register(IncrementalPCA)
def _transform_components(components: Any, rows: Tensor) -> Tensor:
    turned = np.asarray(components.components_).T
    projected: Tensor = rows @ turned - np.asarray(components.mean_) @ turned
    if not components.whiten:
        return projected
    scale = np.sqrt(components.explained_variance_)
    whitened: Tensor = projected / np.maximum(scale, np.finfo(scale.dtype).eps)
    return whitened


@transform.register
def _transform_truncated(components: TruncatedSVD, rows: Tensor) -> Tensor:
    return rows @ np.asarray(components.components_).T


@transform.register
def _transform_polynomial(transformer: PolynomialFeatures, rows: Tensor) -> Tensor:
    """Products of columns: each of as many factors as the degree, some of them 1."""
    powers = transformer.powers_
    one = powers.shape[1]
    factors = [np.repeat(np.arange(one), of_output) for of_output in powers]
    degree = max(len(places) for places in factors)
    padded = np.array([[*places, *[one] * (degree - len(places))] for places in factors])
    extended = concatenate([rows, rows.columns([0]).apply("IsNaN").as_double() * 0.0 + 1.0])
    product: Tensor = reduce(mul, (extended.columns(places) for places in padded.T.tolist()))
    return product


@transform.register
def _transform_bins(discretizer: KBinsDiscretizer, rows: Tensor) -> Tensor:
    columns = [_bin(edges[1:-1], rows.columns([place])) for place, edges in enumerate(discretizer.bin_edges_)]
    bins = concatenate(columns)
    return bins if discretizer.encode == "ordinal" else transform(discretizer._encoder, bins)


def _bin(edges: NDArray[np.float64], column: Tensor) -> Tensor:
    """How many edges a value has reached, `[n, 1]`."""
    return column.apply("GreaterOrEqual", np.asarray(edges)[None, :]).as_double().row_sums()


@transform.register
def _transform_binary(binarizer: Binarizer, rows: Tensor) -> Tensor:
    return rows.apply("Greater", float(binarizer.threshold)).as_double()


@transform.register
def _transform_power(transformer: PowerTransformer, rows: Tensor) -> Tensor:
    if transformer.method != "yeo-johnson":
        raise NotImplementedError(f"no converter for PowerTransformer with {transformer.method}")
    columns = [_yeo_johnson(rows.columns([place]), power) for place, power in enumerate(transformer.lambdas_.tolist())]
    bent = concatenate(columns)
    return transform(transformer._scaler, bent) if transformer.standardize else bent


def _yeo_johnson(values: Tensor, power: float) -> Tensor:
    """Yeo and Johnson, A new family of power transformations, Biometrika 87 (2000), as SciPy computes it."""
    above = _bent(values.apply("Max", 0.0), power)
    below = _bent((values * -1.0).apply("Max", 0.0), 2.0 - power) * -1.0
    return above.where(values.apply("GreaterOrEqual", 0.0), below)


def _bent(values: Tensor, power: float) -> Tensor:
    """((1 + x) ** power - 1) / power of numbers from 0 on; the logarithm where the power is 0."""
    if abs(power) < np.finfo(float).eps:
        return _log1p(values)
    return ((values + 1.0).apply("Pow", power) - 1.0) / power
