"""Free text: which columns are, the vocabulary of one, and whether its texts tell anything of the target."""

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Task
from skylift.feature import Feature
from skylift.scoring import Matrix
from skylift.vocabulary import MAX_TERMS, Vocabulary, is_word, terms
from training.config.table import FeatureSection
from training.data.declared import as_declared

if TYPE_CHECKING:
    import pandas as pd

DIRECTIONS = 30
ROWS_OF_A_TERM = 5
"""A term is in so many rows at least: a rarer one may be a person's name, and says nothing of other rows."""

_WORDS = 3.0
_MOSTLY_DISTINCT = 0.5
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_LETTERS_OF_AN_UNSPACED_WORD = 3
_SAMPLE = 20_000
_SAMPLED_LETTERS = 4_000_000
_DIGITS_OF_A_PERSON = 5
_SHORTEST_LIMIT = 1_000
_FOLDS = 5
_CERTAIN = 2.0
_PENALTIES = np.logspace(0, 5, 11)


def is_free_text(column: "pd.Series[Any]") -> bool:
    """Whether texts are sentences rather than names: of three words on average, and most of them different.

    In scripts without blanks between words, three letters count as one.

    Parameters
    ----------
    column
        Texts.
    """
    counts = column.value_counts()
    total = int(counts.sum())
    if not total or len(counts) < _MOSTLY_DISTINCT * total:
        return False
    sample = [str(text) for text in counts.index[:_SAMPLE]]
    return sum(map(_words, sample)) >= _WORDS * len(sample)


def _words(text: str) -> float:
    unspaced = len(_UNSPACED.findall(text[:_SHORTEST_LIMIT]))
    return len(text.split()) + unspaced / _LETTERS_OF_AN_UNSPACED_WORD


@dataclass(frozen=True, slots=True)
class LearnedText:
    """A column of free text as a feature.

    Parameters
    ----------
    feature, vocabulary
        Feature, and what encodes it.
    cells
        Texts, None for a missing one, `[n]`.
    encoded
        Encoded texts, float64 `[n, width]`.
    """

    feature: Feature
    vocabulary: Vocabulary
    cells: NDArray[np.object_]
    encoded: Matrix


def learn_text(
    column: "pd.Series[Any]", about: FeatureSection, *, learned: NDArray[np.int64], seed: int
) -> LearnedText | None:
    """The feature of a column of free text; None where its texts share no terms.

    Parameters
    ----------
    learned
        Places of the rows that the vocabulary is learned from.
    seed
        Random seed; see `learn_vocabulary`.

    Raises
    ------
    DataError
        A row does not have what the section declares.
    """
    column = as_declared(column, about)
    cells = column.astype(object).where(column.notna(), None).to_numpy()
    vocabulary = learn_vocabulary(cells[learned].tolist(), seed)
    if vocabulary is None:
        return None
    encoded = vocabulary.rows(cells.tolist())
    feature = Feature(
        name=str(column.name),
        kind="text",
        required=not (column.hasnans or about.missing),
        max_length=longest_allowed(cells.tolist()),
        directions=vocabulary.width - 1,
        min=float(np.nanmin(encoded[:, 0])),
        max=float(np.nanmax(encoded[:, 0])),
        mean=float(np.nanmean(encoded[:, 0])),
        unit=about.unit,
        description=about.description,
        example=vocabulary.typical(encoded[learned, 1:].mean(axis=0)),
    )
    return LearnedText(feature, vocabulary, cells, encoded)


def longest_allowed(texts: Sequence[str | None]) -> int:
    """Characters that a request's text may have: twice as many as in training, and 1,000 at least.

    Examples
    --------
    >>> longest_allowed(["short", "x" * 700]), longest_allowed(["short", None])
    (1400, 1000)
    """
    return max(_SHORTEST_LIMIT, 2 * max((len(text) for text in texts if text), default=0))


def learn_vocabulary(texts: Sequence[str | None], seed: int) -> Vocabulary | None:
    """The vocabulary of a column of texts, learned from 20,000 of them at most.

    Parameters
    ----------
    texts
        Texts of the training rows.
    seed
        Random seed of the sample, and of the decomposition.

    Returns
    -------
    Vocabulary; None where no two terms are in rows enough.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from threadpoolctl import threadpool_limits

    sample = _sample([text for text in texts if text], seed)
    vectorizer = TfidfVectorizer(
        analyzer=_kept_terms, sublinear_tf=True, min_df=ROWS_OF_A_TERM, max_features=MAX_TERMS, dtype=np.float64
    )
    try:
        weighted = vectorizer.fit_transform(sample)
    except ValueError:  # its only way to say that no term is left
        return None
    known = [str(term) for term in vectorizer.get_feature_names_out()]
    directions = min(DIRECTIONS, len(known) - 1, len(sample) - 1)
    if directions < 1:
        return None
    # One thread: several change the last digits of sums, and gain little.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", RuntimeWarning)  # texts without any difference have no variance to explain
        decomposition = TruncatedSVD(directions, random_state=seed).fit(weighted)
    coordinates = np.ascontiguousarray(decomposition.components_.T, dtype=np.float32)
    return Vocabulary(known, vectorizer.idf_.astype(np.float32), coordinates)


def tells(encoded: Matrix, targets: NDArray[Any], task: Task, seed: int) -> bool:
    """Whether texts alone tell something of the target, beyond what chance gives.

    Each of five parts of the training rows is predicted from the others by a ridge regression, whose penalty those
    choose (generalised cross-validation: Golub, Heath and Wahba, 1979); of classes, their indicators are. Its squared
    errors must be below those of the mean by twice the standard error of the difference.

    Parameters
    ----------
    encoded
        Encoded texts of the training rows, float64 `[n, width]`; at most 20,000 of them are used.
    targets
        Class codes or values, `[n]`.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    order = np.random.default_rng(seed).permutation(len(targets))[:_SAMPLE]
    rows = encoded[order]
    wanted = targets[order, None].astype(np.float64)
    if task == "classification":
        wanted = (wanted == np.unique(wanted)).astype(np.float64)
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    ridge = make_pipeline(impute, StandardScaler(), RidgeCV(_PENALTIES))
    gains = np.empty(len(rows))
    for train, test in KFold(min(_FOLDS, len(rows))).split(rows):
        with threadpool_limits(1):
            guesses = ridge.fit(rows[train], wanted[train]).predict(rows[test]).reshape(len(test), -1)
        by_mean = ((wanted[test] - wanted[train].mean(axis=0)) ** 2).sum(axis=1)
        gains[test] = by_mean - ((wanted[test] - guesses) ** 2).sum(axis=1)
    return bool(gains.mean() > _CERTAIN * gains.std() / math.sqrt(len(gains)))


def _kept_terms(text: str) -> Iterator[str]:
    """Terms that may be stored: a long number, which may be a person's telephone, only in parts."""
    for term in terms(text):
        if not (is_word(term) and sum(map(str.isdigit, term)) >= _DIGITS_OF_A_PERSON):
            yield term


def _sample(texts: list[str], seed: int) -> list[str]:
    """As many texts as there is time for, in their order."""
    letters = sum(map(len, texts))
    most = min(_SAMPLE, int(len(texts) * _SAMPLED_LETTERS / max(letters, 1)) + 1)
    if most >= len(texts):
        return texts
    places = np.sort(np.random.default_rng(seed).choice(len(texts), most, replace=False))
    return [texts[place] for place in places.tolist()]
