"""A version that scores columns, made of its files alone, so that any process or machine can make it again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from pydantic_core import to_json

from skylift.background import BACKGROUND_FILE
from skylift.bulk.answers import Answers
from skylift.bulk.batch import Names
from skylift.bulk.columns import ColumnEncoder
from skylift.bulk.grid import GridPredictor
from skylift.bulk.sources import Source
from skylift.bulk.trees import read_thresholds
from skylift.encoding import RowEncoder, load_encoder
from skylift.errors import ConfigError, DataError
from skylift.explanation import load_explainer
from skylift.manifest import COMPILED_FILE, Manifest
from skylift.predictors import load_predictor
from skylift.scoring import Matrix, Predictor
from skylift.text_encoder import ENCODING_FILE
from skylift.verification import check_artifact, check_form


@dataclass(frozen=True)
class BulkModel:
    """A version.

    Parameters
    ----------
    version
        Name, `v7`; the name of the folder where it was not published.
    digest
        SHA-256 of the manifest.
    manifest
        Manifest of the version.
    files
        The files that scoring needs, by name.
    explain
        Whether answers come with their reasons.
    """

    version: str
    digest: str
    manifest: Manifest
    files: Mapping[str, bytes]
    explain: bool = False

    @classmethod
    def of(
        cls, version: str, digest: str, manifest: Manifest, read: Callable[[str], bytes], *, explain: bool = False
    ) -> Self:
        """Read the files of a version that was verified.

        Parameters
        ----------
        read
            Function that returns a file by name, checked against the manifest.

        Raises
        ------
        IntegrityError
            A file is missing or altered.
        ConfigError
            Reasons are asked of a version that has no background rows.
        """
        names = [*manifest.form_files]
        if any(feature.directions is not None for feature in manifest.contract.features):
            names.append(ENCODING_FILE)
        if explain and BACKGROUND_FILE not in manifest.artifacts:
            raise ConfigError(
                f"{version} gives no reasons: an older release made it", "train it again, or leave them out"
            )
        names += [BACKGROUND_FILE] if explain else []
        return cls(version, digest, manifest, {name: read(name) for name in names}, explain)

    def check(self, *, allow_joblib: bool) -> None:
        """Prove that it scores as in training; see `skylift.predictors.load_predictor`.

        Raises
        ------
        UnservableModel
        """
        check_form(self.manifest, allow_joblib=allow_joblib)
        _ = self.predictor, self.answers

    @property
    def reference(self) -> str:
        """Reference of the version."""
        return f"{self.version}@sha256:{self.digest}"

    def check_columns(self, source: Source, columns: Sequence[str]) -> None:
        """Refuse a file that lacks a column, or has one of the name of an answer.

        Raises
        ------
        DataError
        """
        try:
            Names(self.manifest.contract, columns)
            self.answers.check(columns)
        except DataError as error:
            raise DataError(f"{source.name}: {error.message}", error.hint) from error

    def __getstate__(self) -> dict[str, object]:
        """What another process needs to make it again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def encoder(self) -> RowEncoder:
        """What encodes instances."""
        return load_encoder(self.manifest, self._read)

    @cached_property
    def answers(self) -> Answers:
        """The columns of answers.

        Raises
        ------
        UnservableModel
            The background rows are not those of the contract.
        """
        explainer = load_explainer(self.manifest, self._read, self.predictor) if self.explain else None
        return Answers(self.manifest.contract, explainer)

    def column_encoder(self, *, cells: bool) -> ColumnEncoder:
        """What encodes columns; see `ColumnEncoder`."""
        return ColumnEncoder(self.encoder, cells=cells)

    @cached_property
    def predictor(self) -> Predictor:
        """What scores encoded rows; a model of trees by cells.

        Raises
        ------
        UnservableModel
        """
        predictor = load_predictor(self.manifest, self._read, self.encoder)
        if self.manifest.compiled.converter != "skylift":
            return predictor
        contract = self.manifest.contract
        thresholds = read_thresholds(self._read(COMPILED_FILE), contract.width)
        if thresholds is None:
            return predictor
        return GridPredictor(predictor, thresholds, max(len(contract.target.classes), 1))

    def scores(self, rows: Matrix) -> Matrix:
        """Score encoded rows, also none; see `Predictor.scores`."""
        if len(rows):
            return self.predictor.scores(rows)
        classes = len(self.manifest.contract.target.classes)
        return np.empty((0, classes) if classes else 0)

    @property
    def about(self) -> bytes:
        """What it is, for whoever reads its answers: JSON with the model, the version and the digest."""
        return to_json({"model": self.manifest.model, "version": self.version, "sha256": self.digest})

    def _read(self, name: str) -> bytes:
        return check_artifact(self.manifest, name, self.files[name])
