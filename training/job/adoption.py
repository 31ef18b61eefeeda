"""Makes a model that was trained elsewhere one of this project's: contract, evaluation, gates, compiled form and card.

The table gives the contract, in the order and with the names that the model has; everything after that is what a
trained model goes through, apart from what only a cross-validation can tell.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skylift.adopted import FrameModel, OnnxModel
from skylift.contract import ClassName, Contract, Target, class_key
from skylift.errors import FOREIGN_FAILURES, ConfigError, DataError, UnservableModel
from skylift.feature import Feature
from skylift.manifest import Adopted, Compiled
from skylift.metrics import LeaderboardEntry
from skylift.names import listed
from skylift.predictors import OnnxPredictor, SklearnPredictor
from skylift.scoring import Matrix, Predictor
from training.compile.compilation import CompiledModel, compile_model, parity_tolerance
from training.config import ModelConfig
from training.config.table import TableSpec
from training.data.checks import examine, refuse_failed
from training.data.prepare import table_and_split
from training.data.reader import Progress
from training.data.table import Split, Table
from training.evaluation.assessment import Selected, assess
from training.evaluation.champion import ActiveVersion
from training.job import Trained, checked, criteria_of
from training.job.encoded_rows import on_encoded_rows
from training.job.model_file import ModelFile, read_model_file

ADOPTED = "adopted"

_COMPARED_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A model on encoded rows, with the table it answers for."""

    estimator: Any
    table: Table
    notes: tuple[str, ...] = ()


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
    table, split = _table_for(file, config.table, progress)
    table, renamed = _with_classes(table, file, config)
    select_by = checked(config, table)
    findings = examine(table, split, config.validation)
    refuse_failed(findings)
    progress("comparing it on the table")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that it was fitted with
        fitted = _refusing_unknown(_on_encoded_rows(file, table))
        table = fitted.table
        progress("compiling")
        compiled = _compiled(fitted.estimator, table, split)
        progress("evaluating on the holdout")
        entry = LeaderboardEntry(candidate=ADOPTED, estimator=_class_of(file.estimator), params={}, scores={})
        selected = Selected(entry=entry, select_by=select_by, estimator=None, predictor=compiled.predictor, folds=None)
        assessed = assess(selected, table, split, criteria_of(config), champion=champion)
    return Trained(
        config=config,
        table=table,
        split=split,
        estimator=fitted.estimator,
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
            *renamed,
            *fitted.notes,
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
        if getattr(config, key) is not None:
            raise ConfigError(
                f"{key} is learned from cross-validated answers, which an adopted model has not",
                f"leave {key} out of model.yaml, or let Skylift train",
            )
    if config.target.positive is not None:
        raise ConfigError(
            f"the positive class of {file.name} is the second of its own order, which target.positive cannot change",
            "leave target.positive out of model.yaml, or let Skylift train",
        )
    declared = config.target.declared_task
    if declared not in {None, file.task}:
        raise ConfigError(
            f"target says {declared}, and {file.name} holds a model for {file.task}", f"set target.task: {file.task}"
        )
    return config.model_copy(update={"target": config.target.model_copy(update={"task": file.task})})


def _table_for(file: ModelFile, spec: TableSpec, progress: Progress) -> tuple[Table, Split]:
    """The table with the columns that the model takes, in its order."""
    table, split = table_and_split(spec, progress=progress)
    if file.names is None:
        return _in_order_of_the_table(file, table), split
    if wanted := [name for name in file.names if name in table.contract.ignored and name != table.contract.target.name]:
        bounds = spec.bounds.model_copy(update={"trusted": (*spec.bounds.trusted, *wanted)})
        table, split = table_and_split(replace(spec, bounds=bounds), progress=progress)
    return _with_features(file, file.names, table), split


def _in_order_of_the_table(file: ModelFile, table: Table) -> Table:
    contract = table.contract
    if file.width is not None and file.width != contract.width:
        raise DataError(
            f"{file.name} takes {file.width} columns without names, and the table has {contract.width}: "
            f"{listed([feature.name for feature in contract.features])}",
            "leave out what it does not take by data.drop, or adopt a model that was fitted on a data frame",
        )
    if texts := [feature.name for feature in contract.features if feature.json_type == "string"]:
        raise DataError(
            f"{file.name} takes numbers without names, and {listed(texts)} holds texts",
            "adopt the whole pipeline with its encoders, fitted on a data frame; or leave the column out by data.drop",
        )
    return table


def _with_features(file: ModelFile, names: Sequence[str], table: Table) -> Table:
    contract = table.contract
    places = {feature.name: place for place, feature in enumerate(contract.features)}
    known = {name: contract.known_name(name) for name in names}
    if missing := [name for name in names if known[name] not in places]:
        left_out = [note for note in table.notes if note.startswith(f"column {missing[0]} was left out")]
        raise DataError(
            f"{file.name} takes the column {missing[0]}, which "
            + ("training leaves out" if missing[0] in contract.ignored else "the table does not have"),
            "; ".join(left_out)
            or "give the table that it was fitted on; where columns were made from others before, adopt the pipeline "
            "that makes them",
        )
    chosen = [places[str(known[name])] for name in names]
    if free := [name for name in names if contract.features[places[str(known[name])]].kind == "text"]:
        raise DataError(
            f"{file.name} reads {free[0]}, which is free text: a predictor is given its numbers, not its words",
            f"where its values repeat, set features.{known[free[0]]}.kind: category; or let Skylift train on it",
        )
    unused = [feature.name for feature in contract.features if places[feature.name] not in chosen]
    changed = Contract(
        task=contract.task,
        features=tuple(contract.features[place] for place in chosen),
        target=contract.target,
        ignored=(*contract.ignored, *unused),
    )
    notes = [f"column {name} was left out: {file.name} does not take it" for name in unused]
    rows = np.column_stack([table.rows[:, contract.blocks[place]] for place in chosen])
    return replace(table, contract=changed, rows=rows, notes=(*table.notes, *notes))


def _with_classes(table: Table, file: ModelFile, config: ModelConfig) -> tuple[Table, list[str]]:
    """The table with its classes in the model's order; and a note where the model has numbers for them."""
    target, classes = table.contract.target, file.classes
    if table.contract.task == "regression" or classes is None:
        return table, []
    labels = {str(label): shown for label, shown in config.target.labels.items()}
    keys = [class_key(labels.get(_text(name), name)) for name in classes]
    if sorted(keys) == sorted(target.keys):
        return _reordered(table, [target.keys.index(key) for key in keys]), []
    if [*classes] == [*range(len(target.classes))]:
        named = ", ".join(f"{code} {key}" for code, key in enumerate(target.keys))
        return table, [f"the model's classes are taken in the order of their names: {named}"]
    raise DataError(
        f"{file.name} knows the classes {listed(sorted(keys))}, and {target.name} has {listed(sorted(target.keys))}",
        "give the table it was fitted on; leave rows out by data.exclude, or name classes by target.labels",
    )


def _text(name: ClassName) -> str:
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)


def _reordered(table: Table, order: list[int]) -> Table:
    """The table whose classes are in another order: the places of these in the present one."""
    if order == sorted(order):
        return table
    target, contract = table.contract.target, table.contract
    fields = target.model_dump() | {"classes": tuple(target.classes[place] for place in order)}
    changed = Contract(
        task=contract.task,
        features=contract.features,
        target=Target.model_validate(fields),
        ignored=contract.ignored,
    )
    return replace(table, contract=changed, targets=np.argsort(order)[table.targets])


def _on_encoded_rows(file: ModelFile, table: Table) -> _Fitted:
    """The model on encoded rows: changed where that gives the same answers, else with a data frame in between.

    Raises
    ------
    UnservableModel
        It cannot score the table.
    """
    if file.names is None:
        _scored(SklearnPredictor(file.estimator, file.task), table, file.name)
        return _Fitted(file.estimator, table)
    contract = table.contract
    by_frame = FrameModel(file.estimator, contract, file.names)
    _scored(SklearnPredictor(by_frame, file.task), table, file.name)
    method, rows = "predict_proba" if file.task == "classification" else "predict", _sample(table)
    try:
        changed = on_encoded_rows(file.estimator, contract)
        given, expected = (np.asarray(getattr(side, method)(rows), np.float64) for side in (changed, by_frame))
        same = np.allclose(given.reshape(expected.shape), expected, rtol=1e-9, atol=1e-12)
        reason = None if same else "on codes it answers otherwise"
    except NotImplementedError as error:
        reason = str(error)
    except FOREIGN_FAILURES as error:
        reason = f"on codes it fails ({type(error).__name__})"
    if reason is None:
        return _Fitted(changed, table)
    note = (
        f"it is served through a data frame ({reason}): add pandas to functions/inference/requirements.txt, "
        "or encode texts by OneHotEncoder, OrdinalEncoder or TargetEncoder"
    )
    return _Fitted(by_frame, table, (note,))


def _sample(table: Table) -> Matrix:
    rows: Matrix = table.rows[:: len(table.rows) // _COMPARED_ROWS + 1]
    return rows


def _scored(predictor: Predictor, table: Table, name: str) -> Matrix:
    """Scores of the table's rows, which are numbers."""
    try:
        scores = predictor.scores(_sample(table))
    except (*FOREIGN_FAILURES, UnservableModel) as error:
        first = " ".join(str(error).split())[:200]
        hint = "give the table it was fitted on; where cells are missing, adopt a pipeline that fills them"
        raise UnservableModel(f"{name} cannot score the table ({type(error).__name__}: {first})", hint) from error
    classes = len(table.contract.target.classes)
    expected = (len(_sample(table)), classes) if classes else (len(_sample(table)),)
    if scores.shape != expected or not np.isfinite(scores).all():
        raise UnservableModel(
            f"{name} answers with shape {scores.shape}, not {expected}, or not with numbers alone",
            "adopt a model with predict_proba of the table's classes, or one of a single number for each row",
        )
    return scores


def _refusing_unknown(fitted: _Fitted) -> _Fitted:
    """The model whose contract refuses unknown texts where it cannot score a missing value in their place."""
    table = fitted.table
    contract, task = table.contract, table.contract.task
    features: list[Feature] = []
    for feature, block in zip(contract.features, contract.blocks, strict=True):
        if feature.takes_unknown and not _scores_missing(fitted.estimator, task, table.rows[:1], block):
            features.append(Feature.model_validate(feature.model_dump() | {"unknown": "refuse"}))
        else:
            features.append(feature)
    refused = [one.name for one, before in zip(features, contract.features, strict=True) if one is not before]
    if not refused:
        return fitted
    changed = Contract(task=task, features=tuple(features), target=contract.target, ignored=contract.ignored)
    note = f"a text in {listed(refused)} that the table does not have is refused: the model cannot score it"
    return replace(fitted, table=replace(table, contract=changed), notes=(*fitted.notes, note))


def _scores_missing(estimator: Any, task: str, row: Matrix, block: slice) -> bool:
    probe = row.copy()
    probe[:, block] = np.nan
    try:
        return bool(np.isfinite(SklearnPredictor(estimator, task).scores(probe)).all())
    except FOREIGN_FAILURES:
        return False


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
