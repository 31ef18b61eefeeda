"""Makes the contract say what the model learned: ranges, means and categories of the training rows alone."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from skylift.names import listed
from training.config.table import FeatureSection
from training.data.encoding import described
from training.data.table import Split, Table


def with_learned(table: Table, split: Split, features: Mapping[str, FeatureSection]) -> Table:
    """The table, with a contract whose features describe the training rows.

    A category that no training row has stays in the contract, as one that requests are warned of; a note names it.
    """
    learned_features, notes = [], list(table.notes)
    for feature, column in zip(table.contract.features, table.leads(split.train).T, strict=True):
        known = column[~np.isnan(column)]
        if not len(known):  # its only values are in the holdout
            notes.append(f"column {feature.name} has no value in the training rows")
            learned_features.append(feature)
            continue
        learned = described(feature, known, features.get(feature.name, FeatureSection()))
        if feature.is_nominal:
            counts = np.bincount(known.astype(int), minlength=len(feature.levels))
            unlearned = tuple(name for name, count in zip(feature.levels, counts, strict=True) if not count)
            if unlearned:
                learned["unlearned"] = unlearned
                notes.append(f"column {feature.name}: no training row has {listed([*map(repr, unlearned)])}")
        learned_features.append(feature.model_copy(update=learned))
    contract = table.contract.model_copy(update={"features": tuple(learned_features)})
    return dataclasses.replace(table, contract=contract, notes=tuple(notes))
