"""What tracking tells of a training: of one that just ended, or of a version that was published before."""

from dataclasses import dataclass
from typing import Self

from skylift.contract import Contract
from skylift.manifest import Manifest
from skylift.metrics import Gate, LeaderboardEntry, Metrics
from training.config.locations import Location
from training.evaluation.report import Evaluation
from training.job import Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A training in words and numbers, without its model.

    Parameters
    ----------
    contract
        Contract of the model.
    data_sha256, data_rows, data_path
        Digest of the table, its number of rows after cleaning, and its place; None if that is not known any more.
    holdout, seed
        Holdout fraction and random seed of the split.
    select_by, selected, leaderboard
        Metric that selected, name of the selected candidate, and every candidate.
    metrics, gates, evaluation
        Metrics, gates, and the detailed evaluation; None in versions of older releases.
    notes
        Notes for people.
    """

    contract: Contract
    data_sha256: str
    data_rows: int
    data_path: Location | None
    holdout: float
    seed: int
    select_by: str
    selected: str
    leaderboard: tuple[LeaderboardEntry, ...]
    metrics: Metrics
    gates: tuple[Gate, ...]
    evaluation: Evaluation | None
    notes: tuple[str, ...]

    @classmethod
    def of_training(cls, trained: Trained) -> Self:
        """A training of this process."""
        return cls(
            contract=trained.table.contract,
            data_sha256=trained.table.digest,
            data_rows=len(trained.table.rows),
            data_path=trained.config.data.path,
            holdout=trained.config.split.holdout,
            seed=trained.config.split.seed,
            select_by=trained.select_by,
            selected=trained.selected,
            leaderboard=trained.leaderboard,
            metrics=trained.metrics,
            gates=trained.gates,
            evaluation=trained.evaluation,
            notes=trained.notes,
        )

    @classmethod
    def of_version(cls, manifest: Manifest, evaluation: Evaluation | None, *, data_path: Location | None) -> Self:
        """A published version, whose manifest does not say where its table was."""
        lineage = manifest.lineage
        return cls(
            contract=manifest.contract,
            data_sha256=lineage.data_sha256,
            data_rows=lineage.data_rows,
            data_path=data_path,
            holdout=lineage.holdout,
            seed=lineage.seed,
            select_by=manifest.select_by,
            selected=manifest.selected,
            leaderboard=manifest.leaderboard,
            metrics=manifest.metrics,
            gates=manifest.gates,
            evaluation=evaluation,
            notes=lineage.notes,
        )

    @property
    def entry(self) -> LeaderboardEntry:
        """The selected candidate."""
        return next(entry for entry in self.leaderboard if entry.candidate == self.selected)
