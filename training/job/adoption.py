"""Makes a model that was trained elsewhere one of this project's: contract, evaluation, gates, compiled form and card.

The table gives the contract, in the order and with the names that the model has; everything after that is what a
trained model goes through, apart from what only a cross-validation can tell.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skylift.adopted import FrameModel, InOrder, OnnxModel
from skylift.errors import ConfigError, UnservableModel
from skylift.feature import Kind
from skylift.manifest import Adopted, Compiled
from skylift.metrics import LeaderboardEntry
from skylift.predictors import OnnxPredictor, SklearnPredictor
from skylift.scoring import Matrix, Predictor
from training.compile.compilation import CompiledModel, compile_model, parity_tolerance
from training.config import ModelConfig
from training.data.checks import examine, refuse_failed
from training.data.reader import Progress
from training.data.table import Split, Table
from training.data.target import positive_class
from training.evaluation.assessment import Selected, assess
from training.evaluation.champion import ActiveVersion
from training.job import Trained, checked, criteria_of
from training.job.adopted_table import table_for, with_classes, with_letters
from training.job.boosters import foreign_failures
from training.job.classifier_answers import check_probabilities, labelled_otherwise, with_threshold
from training.job.encoded_rows import on_encoded_rows
from training.job.inputs_taken import Inputs
from training.job.model_file import ModelFile, read_model_file
from training.job.onnx_file import OnnxFile, on_matrix
from training.job.text_terms import on_terms
from training.job.unknown_values import with_unknown

ADOPTED = "adopted"

_COMPARED_ROWS = 5_000
_COMPARED_TEXTS = 500
_TYPED: tuple[frozenset[Kind], ...] = tuple(
    map(frozenset, ((), ("category",), ("datetime",), ("category", "datetime")))  # as pandas reads a file, and others
)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A model on encoded rows, with the table it answers for."""

    estimator: Any
    table: Table
    notes: tuple[str, ...] = ()
    typed: bool = False
    """Whether its categories are pandas', to which an unknown value is a missing one."""


def adopt(
    config: ModelConfig,
    path: Path,
    *,
    trusted: bool = False,
    progress: Progress = lambda _: None,
    champion: ActiveVersion | None = None,
) -> Trained:
    """Take a model from a file.

    Parameters
    ----------
    path
        File of the model; see `read_model_file`.
    trusted
        Whether the user said that a file that is a program may run here.
    progress
        Callback for the next step in words.
    champion
        Active version, which the new one must not be much worse than.

    Raises
    ------
    ConfigError, DataError
        The model does not fit the table or `model.yaml`; or see `read_model_file` and `table_and_split`.
    UnservableModel, IncompatibleEnvironment
        It cannot be loaded, or cannot score the table.
    """
    progress(f"reading {path.name}")
    file = read_model_file(path, trusted=trusted, folder=config.folder)
    config = _with_task(config, file)
    table, split = table_for(file, config.table, progress)
    table, order, renamed = with_classes(table, file, config)
    select_by = checked(config, table)
    table, labelled = with_threshold(file.estimator, table, order, file.name, wanted=_threshold(config))
    findings = examine(table, split, config.validation)
    refuse_failed(findings)
    progress("comparing it on the table")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that it was fitted with
        fitted = _on_encoded_rows(file, table, order)
        estimator, table, refused = with_unknown(fitted.estimator, fitted.table, typed=fitted.typed)
        if file.task == "classification":
            labelled += check_probabilities(estimator, _sample(table), file.name)
        progress("compiling")
        compiled = _compiled(estimator, table, split)
        if file.task == "classification" and _threshold(config) is None:
            some = _sample(table)
            labelled += labelled_otherwise(estimator, table.contract.target, some, compiled.predictor.scores(some))
        progress("evaluating on the holdout")
        entry = LeaderboardEntry(candidate=ADOPTED, estimator=_class_of(file.estimator), params={}, scores={})
        selected = Selected(entry=entry, select_by=select_by, estimator=None, predictor=compiled.predictor, folds=None)
        assessed = assess(selected, table, split, criteria_of(config), champion=champion)
    return Trained(
        config=config,
        table=table,
        split=split,
        estimator=estimator,
        compiled=compiled,
        selected=ADOPTED,
        select_by=select_by,
        leaderboard=(entry,),
        metrics=assessed.metrics,
        gates=assessed.gates,
        notes=(
            f"adopted from {file.name}: it was trained elsewhere, and nothing was cross-validated",
            "it may have been trained on rows of the holdout, whose figures are then too good",
            *table.notes,
            *positive_class(table.contract.target, config.table.target),
            *renamed,
            *labelled,
            *fitted.notes,
            *refused,
            *map(str, findings),
            *assessed.evaluation.notes,
        ),
        evaluation=assessed.evaluation,
        out_of_fold=None,
        adopted=Adopted(file=file.name, sha256=file.digest),
        code=file.code,
    )


def _with_task(config: ModelConfig, file: ModelFile) -> ModelConfig:
    """The configuration with the task that the model has.

    Raises
    ------
    ConfigError
        It asks for the other task, or for what only training can choose.
    """
    for key in ("decision", "intervals", "sets"):
        if getattr(config, key) is not None and (key != "decision" or _threshold(config) is None):
            instead = f"{key}.threshold sets it by hand" if key == "decision" else "let Skylift train"
            raise ConfigError(
                f"{key} is learned from cross-validated answers, which an adopted model has not",
                f"leave {key} out of model.yaml; {instead}",
            )
    declared = config.target.declared_task
    if declared not in {None, file.task}:
        raise ConfigError(
            f"target says {declared}, and {file.name} holds a model for {file.task}", f"set target.task: {file.task}"
        )
    return config.model_copy(update={"target": config.target.model_copy(update={"task": file.task})})


def _threshold(config: ModelConfig) -> float | None:
    """The threshold that `model.yaml` sets by hand."""
    return config.decision.threshold if config.decision else None


def _on_encoded_rows(file: ModelFile, table: Table, order: list[int] | None) -> _Fitted:
    """The model on encoded rows: changed where that gives the same answers, else with a data frame in between.

    Parameters
    ----------
    order
        Places of its classes in the order of the contract; None if they are in it.

    Raises
    ------
    UnservableModel, DataError
        It cannot score the table.
    """
    contract = table.contract
    if isinstance(file.estimator, OnnxFile):
        model = OnnxModel(on_matrix(file.name, file.estimator, contract, order))
        _scored(SklearnPredictor(model, file.task), table, file.name)
        return _Fitted(model, table)
    if file.inputs.names is None and not file.inputs.alone:
        model = _in_order(file.estimator, order)
        _scored(SklearnPredictor(model, file.task), table, file.name)
        return _Fitted(model, table)
    reads_text = any(feature.kind == "text" for feature in contract.features)
    given = on_terms if reads_text else _on_codes
    reason, fitted = _proven(file, table, given)
    if fitted is not None:
        return replace(fitted, estimator=_in_order(fitted.estimator, order))
    table = with_letters(table, file.name)
    by_frame, notes = _by_frame(file, table)
    note = f"it is served through a data frame ({reason}): add pandas to functions/inference/requirements.txt"
    if not any(feature.width > 1 for feature in contract.features):
        note += ", or encode texts by OneHotEncoder, OrdinalEncoder or TargetEncoder"
    texts = tuple(
        f"column {feature.name} is free text, which the model reads itself: up to {feature.max_length} characters"
        for feature in table.contract.features
        if feature.kind == "text"
    )
    answered = _in_order(by_frame, order)
    return _Fitted(answered, table, (note, *texts, *notes), typed="category" in by_frame.typed)


def _on_codes(estimator: Any, _: Inputs, table: Table) -> tuple[Any, Table]:
    return on_encoded_rows(estimator, table.contract), table


def _proven(
    file: ModelFile, table: Table, change: Callable[[Any, Inputs, Table], tuple[Any, Table]]
) -> tuple[str, _Fitted | None]:
    """The model changed to encoded rows, where it answers some of the table as before; else why it is not.

    Raises
    ------
    UnservableModel
        It cannot score the table.
    """
    places = np.arange(len(table.rows))[:: len(table.rows) // (_COMPARED_TEXTS if table.texts else _COMPARED_ROWS) + 1]
    some = replace(table, rows=table.rows[places], texts={name: texts[places] for name, texts in table.texts.items()})
    some = with_letters(some, file.name)
    by_frame, notes = _by_frame(file, some)
    method = "predict_proba" if file.task == "classification" else "predict"
    try:
        changed, encoded = change(file.estimator, file.inputs, table)
        given = np.asarray(getattr(changed, method)(encoded.rows[places]), np.float64)
        expected = np.asarray(getattr(by_frame, method)(some.rows), np.float64)
    except NotImplementedError as error:
        return str(error), None
    except foreign_failures() as error:
        return f"on codes it fails ({type(error).__name__})", None
    if not np.allclose(given.reshape(expected.shape), expected, rtol=1e-9, atol=1e-12):
        return "on codes it answers otherwise", None
    known = [
        f"column {name} is read by the {len(vocabulary.terms)} terms that the model knows"
        for name, vocabulary in encoded.encodings.items()
    ]
    return "", _Fitted(changed, encoded, (*known, *notes), typed="category" in by_frame.typed)


def _in_order(estimator: Any, order: list[int] | None) -> Any:
    return estimator if order is None else InOrder(estimator, order)


def _by_frame(file: ModelFile, table: Table) -> tuple[FrameModel, tuple[str, ...]]:
    """The model on a data frame of the types that it was fitted with, which it does not say: they are tried in turn.

    Raises
    ------
    UnservableModel
        It scores the table with none of them.
    """
    contract = table.contract
    names = file.inputs.names or tuple(feature.name for feature in contract.features)
    blanks = [
        name
        for name, feature in zip(names, contract.features, strict=True)
        if feature.may_be_missing and (file.inputs.alone or name in file.inputs.texts)
    ]
    notes = tuple(
        f"a missing text in {name} is an empty one to the model, which cannot read another" for name in blanks
    )
    kinds = {feature.kind for feature in contract.features}
    ways = [way for way in _TYPED if way <= kinds]
    failures: list[UnservableModel] = []
    for typed in ways:
        made = FrameModel(file.estimator, contract, names, alone=file.inputs.alone, typed=typed, blanks=blanks)
        try:
            _scored(SklearnPredictor(made, file.task), table, file.name)
        except UnservableModel as error:
            failures.append(error)
        else:
            return made, notes
    raise failures[0]


def _sample(table: Table) -> Matrix:
    rows: Matrix = table.rows[:: len(table.rows) // _COMPARED_ROWS + 1]
    return rows


def _scored(predictor: Predictor, table: Table, name: str) -> Matrix:
    """Scores of the table's rows, which are numbers."""
    failures: tuple[type[Exception], ...] = (*foreign_failures(), UnservableModel)
    try:
        scores = predictor.scores(_sample(table))
    except failures as error:
        of_onnx = isinstance(error, UnservableModel) and error.__cause__ is not None
        cause = error.__cause__ if of_onnx else error
        first = " ".join(str(cause).split())[:200]
        hint = "give the table it was fitted on; where cells are missing, adopt a pipeline that fills them"
        hint = "export it again, for example from rows of float32" if of_onnx else hint
        raise UnservableModel(f"{name} cannot score the table ({type(cause).__name__}: {first})", hint) from error
    classes = len(table.contract.target.classes)
    expected = (len(_sample(table)), classes) if classes else (len(_sample(table)),)
    if scores.shape != expected or not np.isfinite(scores).all():
        raise UnservableModel(
            f"{name} answers with shape {scores.shape}, not {expected}, or not with numbers alone",
            "adopt a model with predict_proba of the table's classes, or one of a single number for each row",
        )
    return scores


def _compiled(estimator: Any, table: Table, split: Split) -> CompiledModel:
    """The compiled form; of an ONNX file it is the file, with which nothing else can be compared."""
    if not isinstance(estimator, OnnxModel):
        return compile_model(estimator, table, split)
    predictor = OnnxPredictor(estimator.data)
    rows = len(table.rows)
    outcome = Compiled(format="onnx", rows=rows, max_abs_diff=0.0, agreement=1.0, reason="adopted as it is")
    return CompiledModel(estimator.data, outcome, predictor, parity_tolerance(predictor, table, split))


def _class_of(estimator: Any) -> str:
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return f"{type(last).__module__}.{type(last).__qualname__}"
