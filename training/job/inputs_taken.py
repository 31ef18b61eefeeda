"""What a model that was fitted elsewhere takes: which columns of a data frame, and which of them it reads by words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder
from sklearn.utils import get_tags

from training.compile.dispatch import wrapped
from training.job.boosters import names_of_library


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a fitted model takes.

    Parameters
    ----------
    names
        Columns of a data frame that it reads, without those that it drops at once; None if it knows none.
    texts
        Names of the columns that it reads by their words.
    alone
        Whether it takes one column of texts, and not a table.
    """

    names: tuple[str, ...] | None
    texts: tuple[str, ...] = ()
    alone: bool = False


def inputs_of(estimator: Any) -> Inputs:
    """What a fitted model takes."""
    names = getattr(estimator, "feature_names_in_", None)
    names = names_of_library(estimator) if names is None else names
    steps = first_steps(estimator)
    if names is None:
        return Inputs(None, alone=any(map(_reads_words, steps)))
    taken = places_taken(steps, len(names))
    by_words = {
        place
        for step in steps
        for part, places in _parts(step)
        for place in places
        if any(map(_reads_words, first_steps(part)))
    }
    return Inputs(
        tuple(str(names[place]) for place in taken), tuple(str(names[place]) for place in taken if place in by_words)
    )


def members(estimator: Any) -> list[Any] | None:
    """Fitted estimators within one that see the same columns as it; None of one that has none."""
    match estimator:
        case CalibratedClassifierCV():
            return [one.estimator for one in estimator.calibrated_classifiers_]
        case StackingClassifier() | StackingRegressor() | VotingClassifier() | VotingRegressor():
            return [one for one in estimator.estimators_ if one != "drop"]
        case OneVsRestClassifier():
            return list(estimator.estimators_)
        case TransformedTargetRegressor():
            return [estimator.regressor_]
        case _:
            inner = wrapped(estimator)
            return None if inner is None else [inner]


def first_steps(estimator: Any) -> list[Any]:
    """The steps of an estimator that see the columns."""
    if isinstance(estimator, Pipeline):
        return first_steps(estimator.steps[0][1])
    within = [step for _, step in estimator.transformer_list] if isinstance(estimator, FeatureUnion) else None
    within = members(estimator) if within is None else within
    return [estimator] if within is None else [step for one in within for step in first_steps(one)]


def places_taken(steps: Sequence[Any], width: int) -> list[int]:
    """Places of the columns that first steps read, in their order."""
    if not all(isinstance(step, ColumnTransformer) for step in steps):
        return [*range(width)]
    return sorted({place for step in steps for _, places in _parts(step) for place in places})


def places_of_part(step: ColumnTransformer, name: str, part: Any) -> list[int]:
    """Places of the columns that a part of a `ColumnTransformer` takes."""
    if isinstance(part, str) and part == "drop":
        return []
    return [int(place) for place in step._transformer_to_input_indices[name]]  # noqa: SLF001 (by its own names)


def _parts(step: Any) -> Iterator[tuple[Any, list[int]]]:
    if isinstance(step, ColumnTransformer):
        for name, part, _ in step.transformers_:
            yield part, places_of_part(step, name, part)


def categories_known(estimator: Any, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Texts that the encoders of a model know, in their order, by the column that each reads.

    Without those that a model fills into a missing cell, which a table need not have.

    Parameters
    ----------
    names
        Names of the columns that it takes; see `inputs_of`.
    """
    known: dict[str, tuple[str, ...]] = {}
    seeing = first_steps(estimator)
    name_of = dict(zip(places_taken(seeing, len(names)), names, strict=True))
    for step in seeing:
        whole = [(step, [*name_of])]
        for part, places in _parts(step) if isinstance(step, ColumnTransformer) else whole:
            steps = [one for _, one in part.steps] if isinstance(part, Pipeline) else [part]
            imputers = [*takewhile(lambda one: isinstance(one, SimpleImputer), steps)]
            filled = {value for one in imputers for value in one.statistics_.tolist()}
            encoder = steps[len(imputers)] if len(steps) > len(imputers) else None
            if isinstance(encoder, OneHotEncoder | OrdinalEncoder | TargetEncoder):
                for place, values in zip(places, encoder.categories_, strict=False):
                    texts = tuple(value for value in values.tolist() if isinstance(value, str) and value not in filled)
                    known.setdefault(name_of[place], texts)
    return known


def _reads_words(step: Any) -> bool:
    """Whether a step takes a column of texts, as scikit-learn's vectorizers do."""
    if not hasattr(step, "__sklearn_tags__"):
        return False
    tags = get_tags(step).input_tags
    return bool(tags.string and not tags.two_d_array)
