"""What comes before an estimator: missing numbers, scales, days between dates, and categories as it can learn them.

The codes of a category are names, not sizes. A few have a column of ones each. Many are looked up by the target: its
mean where a row has the category, smoothed, and cross-fitted, so that no row sees its own (`TargetEncoder`).
"""

from itertools import combinations
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler, TargetEncoder

from skylift.contract import Contract
from skylift.feature import Feature

type Steps = list[tuple[str, Any]]
"""Steps of a pipeline."""

MOST_ONES = 100
"""Categories with a column of ones: the first codes, which of more are the most frequent."""

_MANY_FOR_TREES = 20
"""Categories beyond which trees split better by the target: a column of ones only tells one from all others."""

_MOST_DATES = 4
"""Dates, the first ones of a table, of which each two have a column of the days between them."""

_FOLDS = 5
MISSING_CODE = -1.0
"""Code of a missing category, for estimators that take no missing value."""

_SIDES = 2
_NUMBERS, _ALL = "numbers", "all"
SEEN_AS_NUMBERS = (_NUMBERS, _ALL)
"""Names of the parts of a preparation that keep columns as they are, or scale them; a part of these comes first."""


def for_numbers(contract: Contract, *, scale: bool, impute: bool, trees: bool, seed: int) -> Steps:
    """Steps for an estimator that takes all columns as numbers: none where it can read the encoded rows as they are.

    Parameters
    ----------
    scale, impute
        Whether numbers are standardised, and missing ones filled in.
    trees
        Whether the estimator grows trees.
    seed
        Seed of cross-fitting.
    """
    numbers = _number_columns(contract)
    some_missing = any(not feature.required for feature in contract.features if not feature.is_nominal)
    on_numbers: Steps = []
    if impute and some_missing:
        on_numbers.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
    if scale:
        on_numbers.append(("scale", StandardScaler()))
    categories, pairs = _categories(contract), _pairs_of_dates(contract)
    if not categories and not pairs:
        return on_numbers
    parts: list[tuple[str, Any, list[int]]] = []
    if numbers:
        parts.append((_NUMBERS, Pipeline(on_numbers) if on_numbers else "passthrough", numbers))
    parts += [(f"between_{first}_{later}", _days_between(on_numbers), [first, later]) for first, later in pairs]
    many = [column for column, feature in categories if has_many(feature, trees=trees)]
    ones = [(column, feature) for column, feature in categories if not (trees and column in many)]
    parts += [(f"category_{column}", _columns_of_ones(feature), [column]) for column, feature in ones]
    if many:
        if trees:
            parts.append(("codes", _marked_missing() if impute else "passthrough", many))
        looked_up = _by_target(contract, seed)
        parts.append(("target", Pipeline([("mean", looked_up), *_scale(scale)]) if scale else looked_up, many))
    return [("columns", ColumnTransformer(parts))]


def for_categories(contract: Contract, *, bins: int, seed: int) -> tuple[Steps, list[int] | None]:
    """Steps for boosting that takes codes as categories, and the places of these in what it sees.

    Codes are repeated as numbers: scikit-learn's boosting puts no category of fewer than ten rows on a side of its own
    (`MIN_CAT_SUPPORT`), and where one alone has more there is no split at all: not even a missing value is told from
    all others. Of many categories it has the target in their place. Codes beyond its bins are one category.

    Parameters
    ----------
    bins
        Number of categories that a column may have.
    seed
        Seed of cross-fitting.
    """
    categories = _categories(contract)
    wide = [column for column, feature in categories if len(feature.levels) > bins]
    many = [column for column, feature in categories if has_many(feature, trees=True)]
    repeated = [
        column
        for column, feature in categories
        if column not in many and (len(feature.levels) > _SIDES or not feature.required)
    ]
    kept = [column for column in range(contract.width) if column not in wide]
    places = [place for place, column in enumerate([*kept, *wide]) if column in dict(categories)] or None
    frequent = FunctionTransformer(np.clip, kw_args={"a_min": None, "a_max": bins - 1.0})
    parts = [
        (_ALL, "passthrough", kept),
        ("frequent", frequent, wide),
        ("codes", "passthrough", repeated),
        ("target", _by_target(contract, seed), many),
    ]
    parts += [
        (f"between_{first}_{later}", _days_between([]), [first, later]) for first, later in _pairs_of_dates(contract)
    ]
    parts = [part for part in parts if part[2]]
    return ([("columns", ColumnTransformer(parts))] if len(parts) > 1 else []), places


def prepared_width(contract: Contract, *, trees: bool) -> int:
    """Number of columns that an estimator of numbers sees."""
    classes = len(contract.target.classes)
    width = len(_pairs_of_dates(contract))
    for feature in contract.features:
        many = feature.is_nominal and has_many(feature, trees=trees)
        width += len(_learned(feature)) if feature.is_nominal and not (trees and many) else feature.width
        width += (classes if classes > _SIDES else 1) if many else 0
    return width


def has_many(feature: Feature, *, trees: bool) -> bool:
    """Whether training rows have so many of the categories that the target tells more of them than their names."""
    learned = len(feature.levels) - len(feature.unlearned or ())
    return learned > (_MANY_FOR_TREES if trees else MOST_ONES)


def _pairs_of_dates(contract: Contract) -> list[tuple[int, int]]:
    """The columns of days of each two dates."""
    leads = zip(contract.features, contract.leads, strict=True)
    dates = [lead for feature, lead in leads if feature.kind == "datetime"]
    return list(combinations(dates[:_MOST_DATES], 2))


def _days_between(then: Steps) -> Any:
    difference = FunctionTransformer(np.diff)
    return Pipeline([("difference", difference), *then]) if then else difference


def _by_target(contract: Contract, seed: int) -> TargetEncoder:
    """The mean of the target, or the share of each class, where a row has a category; of an unknown one that of all."""
    classes = len(contract.target.classes)
    kind = "continuous" if not classes else "binary" if classes == _SIDES else "multiclass"
    # Folds with classes in proportion would warn of rare ones.
    return TargetEncoder(target_type=kind, cv=KFold(_FOLDS, shuffle=True, random_state=seed))


def _scale(scale: bool) -> Steps:
    return [("scale", StandardScaler())] if scale else []


def _columns_of_ones(feature: Feature) -> Any:
    """One column per known category, whatever a fold holds, and one for a missing value where training saw any.

    An unknown value gives zeros in all of them, or counts as missing.
    """
    codes = _learned(feature) if feature.required else [MISSING_CODE, *_learned(feature)]
    encoder = OneHotEncoder(categories=[codes], handle_unknown="ignore", sparse_output=False)
    if not feature.may_be_missing:
        return encoder
    return Pipeline([("missing", _marked_missing()), ("encode", encoder)])


def _marked_missing() -> SimpleImputer:
    return SimpleImputer(strategy="constant", fill_value=MISSING_CODE, keep_empty_features=True)


def _learned(feature: Feature) -> list[float]:
    """Codes with a column of ones: all of a few categories, and the first of many that training rows have."""
    absent = frozenset(feature.unlearned or ()) if len(feature.levels) > MOST_ONES else frozenset()
    return [float(code) for code, name in enumerate(feature.levels) if name not in absent][:MOST_ONES]


def _categories(contract: Contract) -> list[tuple[int, Feature]]:
    """Categories, each with its column."""
    features = zip(contract.leads, contract.features, strict=True)
    return [(column, feature) for column, feature in features if feature.is_nominal]


def _number_columns(contract: Contract) -> list[int]:
    """Columns whose numbers mean more where they are larger."""
    categories = dict(_categories(contract))
    return [column for column in range(contract.width) if column not in categories]
