"""The table of a model that was trained elsewhere: the columns that it takes, in its order, and its classes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from skylift.cells import clean_text
from skylift.contract import ClassName, Contract, Target, class_key
from skylift.errors import DataError
from skylift.feature import Feature
from skylift.letters import Letters, columns_for
from skylift.names import listed
from skylift.scoring import Matrix
from training.config import ModelConfig
from training.config.table import FeatureSection, TableSpec
from training.data.clean import read_clean
from training.data.columns import family_of
from training.data.prepare import table_and_split
from training.data.reader import Progress
from training.data.table import Split, Table
from training.data.texts import is_free_text
from training.job.inputs_taken import categories_known
from training.job.model_file import ModelFile

_SHORTEST_LIMIT = 200
_MOST_BYTES = 2**30
_BYTES_OF_A_NUMBER = 8


def table_for(file: ModelFile, spec: TableSpec, progress: Progress) -> tuple[Table, Split]:
    """The table with the columns that the model takes, in its order, and its split.

    Raises
    ------
    DataError, ConfigError
        The table does not have them, or see `table_and_split`.
    """
    if file.inputs.alone:
        name = _only_texts(file, spec, progress)
        table, split = table_and_split(_with_kinds(spec, [name]), progress=progress)
        return _with_features(file, (name,), table), split
    table, split = table_and_split(spec, progress=progress)
    if (names := file.inputs.names) is None:
        return _in_order_of_the_table(file, table), split
    known = table.contract
    missing = [name for name in names if name in known.ignored and name != known.target.name]
    kinds = {feature.name: feature.kind for feature in known.features}
    as_words = [known.known_name(name) or name for name in file.inputs.texts]
    misread = [name for name in as_words if kinds.get(name) != "text"]
    if missing or misread:
        bounds = spec.bounds.model_copy(update={"trusted": (*spec.bounds.trusted, *missing)})
        changed = replace(spec, bounds=bounds)
        there = [name for name in misread if name in kinds or name in missing]
        spec = _with_kinds(changed, there)
        table, split = table_and_split(spec, progress=progress)
    if categories := _categories(file, names, table.contract):
        table, split = table_and_split(_with_categories(spec, categories), progress=progress)
    return _with_features(file, names, table), split


def _categories(file: ModelFile, names: Sequence[str], contract: Contract) -> dict[str, tuple[str, ...]]:
    """Categories of the table as the model has them, where they are others: all that it knows, and none as a rare one.

    They are in its order, by which an encoder finds them; those that it does not name are in that of the alphabet.
    """
    known = categories_known(file.estimator, names)
    by_name = {contract.known_name(name): values for name, values in known.items()}
    wanted: dict[str, tuple[str, ...]] = {}
    for feature in contract.features:
        if feature.kind != "category":
            continue
        theirs = dict.fromkeys(filter(None, map(clean_text, by_name.get(feature.name, ()))))
        table = {*feature.categories, *(feature.rare or ())}
        every = (*theirs, *sorted(table - theirs.keys()))
        if feature.rare or every != feature.categories:
            wanted[feature.name] = every
    return wanted


def _with_categories(spec: TableSpec, categories: Mapping[str, tuple[str, ...]]) -> TableSpec:
    features = {
        name: spec.features.get(name, FeatureSection()).model_copy(update={"categories": values})
        for name, values in categories.items()
    }
    return replace(spec, features={**spec.features, **features})


def _with_kinds(spec: TableSpec, texts: Sequence[str]) -> TableSpec:
    """The same, with columns that are free text whatever they look like."""
    sections = {name: spec.features.get(name, FeatureSection()) for name in texts}
    as_texts = {name: about.model_copy(update={"kind": "text"}) for name, about in sections.items()}
    features: Mapping[str, FeatureSection] = {**spec.features, **as_texts}
    return replace(spec, features=features)


def _only_texts(file: ModelFile, spec: TableSpec, progress: Progress) -> str:
    """The column that a model of one column of texts takes."""
    clean = read_clean(spec, progress=progress)
    texts = [
        name for name in clean.frame.columns if name != clean.target and family_of(clean.frame[name].dtype) == "text"
    ]
    declared = [name for name in texts if name in spec.features and spec.features[name].kind == "text"]
    free = [name for name in texts if is_free_text(clean.frame[name])]
    found = next((names for names in (declared, texts, free) if len(names) == 1), None)
    if found is None:
        told = f"the table has {listed(texts)}" if texts else "the table has none"
        raise DataError(
            f"{file.name} takes one column of texts, and {told}",
            "set features.NAME.kind: text for the one that it takes, or leave the others out by data.drop",
        )
    return str(found[0])


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
        if known[missing[0]] == contract.target.name:
            raise DataError(
                f"{file.name} takes the column {missing[0]}, which is the target",
                "fit it on a data frame without the target, and store it again",
            )
        left_out = [note for note in table.notes if note.startswith(f"column {missing[0]} was left out")]
        raise DataError(
            f"{file.name} takes the column {missing[0]}, which "
            + ("training leaves out" if missing[0] in contract.ignored else "the table does not have"),
            "; ".join(left_out)
            or "give the table that it was fitted on; where columns were made from others before, adopt the pipeline "
            "that makes them",
        )
    chosen = [places[str(known[name])] for name in names]
    unused = [feature.name for feature in contract.features if places[feature.name] not in chosen]
    chosen_features = tuple(contract.features[place] for place in chosen)
    changed = Contract(
        task=contract.task,
        features=chosen_features,
        target=contract.target,
        ignored=(*contract.ignored, *unused),
    )
    by_terms = tuple(f"column {name} is read as free text, by " for name in table.texts)
    notes = [note for note in table.notes if not note.startswith(by_terms)]
    notes += [f"column {name} was left out: {file.name} does not take it" for name in unused]
    texts = [feature.name for feature in chosen_features if feature.kind == "text"]
    return replace(
        table,
        contract=changed,
        rows=np.column_stack([table.rows[:, contract.blocks[place]] for place in chosen]),
        notes=tuple(notes),
        texts={name: table.texts[name] for name in texts},
        vocabularies={name: table.vocabularies[name] for name in texts},
    )


def with_letters(table: Table, name: str) -> Table:
    """The table whose texts are their characters, for a model that reads them itself.

    Parameters
    ----------
    name
        Name of the model's file, for an error.

    Raises
    ------
    DataError
        They would fill the memory.
    """
    contract = table.contract
    taken = [
        _letters(feature, table, table.rows[:, block], name)
        for feature, block in zip(contract.features, contract.blocks, strict=True)
    ]
    features = tuple(feature for feature, _ in taken)
    changed = Contract(task=contract.task, features=features, target=contract.target, ignored=contract.ignored)
    return replace(table, contract=changed, rows=np.column_stack([columns for _, columns in taken]))


def _letters(feature: Feature, table: Table, columns: Matrix, name: str) -> tuple[Feature, Matrix]:
    """A feature and its columns; of free text the characters."""
    if feature.kind != "text":
        return feature, columns
    most = max(_SHORTEST_LIMIT, 2 * int(feature.max or 0))
    width = columns_for(most)
    if (size := len(table.rows) * (width + 1) * _BYTES_OF_A_NUMBER) > _MOST_BYTES:
        raise DataError(
            f"{name} reads {feature.name} itself, and {len(table.rows):,} texts of up to {int(feature.max or 0):,} "
            f"characters take {size / _MOST_BYTES:.1f} GiB",
            f"name fewer rows by --data, or set data.sample: {len(table.rows) * _MOST_BYTES // size}",
        )
    changed = feature.model_copy(update={"max_length": most, "directions": None, "letters": width})
    return changed, Letters(width).rows(table.texts[feature.name].tolist())


def with_classes(table: Table, file: ModelFile, config: ModelConfig) -> tuple[Table, list[int] | None, list[str]]:
    """The table with its classes in the model's order; and a note where the model has numbers for them.

    Where `target.positive` is another class than the model's second, the places of its classes in their new order.

    Raises
    ------
    DataError
        The model has other classes.
    """
    target, classes = table.contract.target, file.classes
    if table.contract.task == "regression" or classes is None:
        return table, None, []
    labels = {str(label): shown for label, shown in config.target.labels.items()}
    keys = [class_key(labels.get(_text(name), name)) for name in classes]
    notes: list[str] = []
    if sorted(keys) != sorted(target.keys):
        if [*classes] != [*range(len(target.classes))]:
            raise DataError(
                f"{file.name} knows the classes {listed(sorted(keys))}, and {target.name} has "
                f"{listed(sorted(target.keys))}",
                "give the table it was fitted on; leave rows out by data.exclude, or name classes by target.labels",
            )
        keys = sorted(target.keys)
        named = ", ".join(f"{code} {key}" for code, key in enumerate(keys))
        notes = [f"the model's classes are taken in the order of their names: {named}"]
    if config.target.positive is not None:  # the table has it last
        order = [keys.index(key) for key in target.keys]
        return table, None if order == sorted(order) else order, notes
    return _reordered(table, [target.keys.index(key) for key in keys]), None, notes


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
