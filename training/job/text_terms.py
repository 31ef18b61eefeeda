"""Turns a pipeline that reads words into one on sums over its terms, where all that it does with them is linear.

A vectorizer counts terms, and what follows multiplies each count: by the coefficients of a linear model, or by the
components of a truncated singular value decomposition. So a text becomes as many numbers as the model has decisions, or
the decomposition has components, which the service computes without scikit-learn, and the rest compiles like any other.
Whoever calls this proves that both give the same answers.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.linear_model._base import LinearModel
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skylift.analysis import WORD, Analysis
from skylift.contract import Contract
from skylift.scoring import Matrix
from skylift.text_encoder import MAX_DIRECTIONS
from skylift.weighted_terms import WeightedTerms
from training.data.table import Table
from training.job.encoded_rows import on_encoded_rows
from training.job.inputs_taken import Inputs, places_of_part

_LINEAR = (LogisticRegression, SGDClassifier, SGDRegressor, LinearModel)


def on_terms(estimator: Any, inputs: Inputs, table: Table) -> tuple[Any, Table]:
    """The same fitted model, with texts as sums over its terms, and the table with these.

    Parameters
    ----------
    estimator
        Model that reads words.
    inputs
        What it reads.
    table
        Table with the features that it reads, in its order.

    Returns
    -------
    tuple
        A model on encoded rows, and the table that has them.

    Raises
    ------
    NotImplementedError
        It does something else with a text, or how it does is not known.
    """
    if not isinstance(estimator, Pipeline):
        raise NotImplementedError(f"{type(estimator).__name__} reads words")
    first, *last = [step for _, step in estimator.steps]
    if inputs.alone:
        return _of_one_text(first, last, table)
    if not isinstance(first, ColumnTransformer):
        raise NotImplementedError(f"{type(first).__name__} reads words")
    names, changed = list(first.feature_names_in_), copy.deepcopy(first)
    vocabularies: dict[str, WeightedTerms] = {}
    by_model: list[str] = []
    for place, (part, step, columns) in enumerate(first.transformers_):
        read = [str(names[column]) for column in places_of_part(first, part, step)]
        if not set(read) & set(inputs.texts):
            continue
        name = table.contract.known_name(read[0]) or read[0]
        if len(read) > 1 or name in vocabularies:
            raise NotImplementedError(f"{name} is read twice")
        vocabularies[name] = _terms_of(step, last, first.output_indices_[part])
        by_model += [] if isinstance(step, Pipeline) else [part]
        passed = FunctionTransformer(accept_sparse=True, check_inverse=False, feature_names_out="one-to-one")
        changed.transformers_[place] = (part, passed.fit(np.zeros((1, vocabularies[name].width - 1))), columns)
    if by_model:
        last = [_on_sums(last[0], first.output_indices_, by_model)]
    if others := [
        feature.name for feature in table.contract.features if feature.name in table.texts.keys() - vocabularies
    ]:
        raise NotImplementedError(f"{others[0]} is read by its own steps")
    encoded = _with_terms(table, vocabularies)
    return on_encoded_rows(make_pipeline(changed, *last), encoded.contract), encoded


def _terms_of(step: Any, last: Sequence[Any], outputs: slice) -> WeightedTerms:
    """The terms of a part, and what they add to its components, or to the decisions of the only step behind it."""
    if not isinstance(step, Pipeline):
        return _vocabulary(step, _coefficients(last)[:, outputs].T)
    vectorizer, *after = [each for _, each in step.steps]
    if [*map(type, after)] != [TruncatedSVD]:
        raise NotImplementedError(f"{type(after[0] if after else vectorizer).__name__} follows a vectorizer")
    return _vocabulary(vectorizer, after[0].components_.T)


def _of_one_text(vectorizer: Any, last: list[Any], table: Table) -> tuple[Any, Table]:
    if isinstance(last[0], TruncatedSVD):
        vocabulary, last = _vocabulary(vectorizer, last[0].components_.T), last[1:]
    else:
        vocabulary = _vocabulary(vectorizer, _coefficients(last).T)
        last = [_on_sums(last[0], {"text": slice(0, len(vocabulary.terms))}, ["text"])]
    without_length = ColumnTransformer([("text", "passthrough", [*range(1, vocabulary.width)])])
    fitted = without_length.fit(np.zeros((1, vocabulary.width)))
    return make_pipeline(fitted, *last), _with_terms(table, {table.contract.features[0].name: vocabulary})


def _vocabulary(vectorizer: Any, coordinates: Matrix) -> WeightedTerms:
    """The terms of a fitted vectorizer, and what each adds to some sums, `[terms, sums]`."""
    if type(vectorizer) not in {CountVectorizer, TfidfVectorizer}:
        raise NotImplementedError(f"{type(vectorizer).__name__} has no terms")
    own = [vectorizer.preprocessor, vectorizer.tokenizer, vectorizer.strip_accents]
    by_word = vectorizer.analyzer == "word"
    if any(own) or callable(vectorizer.analyzer) or (by_word and vectorizer.token_pattern != WORD):
        raise NotImplementedError(f"{type(vectorizer).__name__} cuts texts in a way of its own")
    if coordinates.shape[1] > MAX_DIRECTIONS:
        raise NotImplementedError(f"a text would be more than {MAX_DIRECTIONS} numbers")
    weighs = isinstance(vectorizer, TfidfVectorizer)
    shortest, longest = vectorizer.ngram_range
    analysis = Analysis(
        vectorizer.analyzer,
        shortest,
        longest,
        lowercase=vectorizer.lowercase,
        stop_words=frozenset(vectorizer.get_stop_words() or ()) if by_word else frozenset(),
        binary=vectorizer.binary,
        sublinear=weighs and vectorizer.sublinear_tf,
        norm=vectorizer.norm if weighs else None,
    )
    terms = [str(term) for term in vectorizer.get_feature_names_out()]
    weights = vectorizer.idf_ if weighs and vectorizer.use_idf else np.ones(len(terms))
    return WeightedTerms(analysis, terms, np.asarray(weights, float), np.ascontiguousarray(coordinates, float))


def _coefficients(last: Sequence[Any]) -> Matrix:
    """Coefficients of the only step that is left, `[decisions, columns]`."""
    if len(last) != 1 or not isinstance(last[0], (*_LINEAR, MultinomialNB)):
        raise NotImplementedError(f"{type(last[0]).__name__} follows a vectorizer")
    return np.atleast_2d(_as_linear(last[0]).coef_)


def _as_linear(model: Any) -> Any:
    """A linear model; naive Bayes of counts as the logistic regression that it is."""
    if not isinstance(model, MultinomialNB):
        return model
    coefficients, intercept = model.feature_log_prob_, model.class_log_prior_
    if len(intercept) == 2:
        coefficients, intercept = np.diff(coefficients, axis=0), np.diff(intercept)
    linear = LogisticRegression()
    linear.classes_, linear.coef_, linear.intercept_ = model.classes_, coefficients, intercept
    return linear


def _on_sums(model: Any, outputs: Mapping[str, slice], by_model: Sequence[str]) -> Any:
    """The linear model on the sums of some parts, each of which it takes as it is."""
    linear = copy.deepcopy(_as_linear(model))
    before = np.atleast_2d(linear.coef_)
    parts = sorted(outputs.items(), key=lambda part: part[1].start)
    columns = [np.eye(len(before)) if name in by_model else before[:, place] for name, place in parts]
    coefficients = np.hstack(columns)
    linear.coef_ = coefficients if linear.coef_.ndim > 1 else coefficients[0]
    linear.n_features_in_ = coefficients.shape[1]
    return linear


def _with_terms(table: Table, vocabularies: dict[str, WeightedTerms]) -> Table:
    """The table with texts encoded by other vocabularies; what is shown of them stays in words of its own."""
    contract = table.contract
    features, columns = [], []
    for feature, block in zip(contract.features, contract.blocks, strict=True):
        vocabulary = vocabularies.get(feature.name)
        width = None if vocabulary is None else vocabulary.width - 1
        features.append(feature if width is None else feature.model_copy(update={"directions": width}))
        columns.append(
            table.rows[:, block] if vocabulary is None else vocabulary.rows(table.texts[feature.name].tolist())
        )
    changed = Contract(task=contract.task, features=tuple(features), target=contract.target, ignored=contract.ignored)
    return replace(table, contract=changed, rows=np.column_stack(columns), encodings=vocabularies)
