"""What the job fits on all training rows: the best candidate or an average of several, calibrated where that helps."""

from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import clone
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch

from skylift.metrics import LeaderboardEntry
from training.search.calibration import Calibration, calibration_of
from training.search.fitting import Folds
from training.search.loop import Result
from training.search.out_of_fold import OutOfFold


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate with its share of the answers.

    Parameters
    ----------
    name
        Name of the candidate.
    estimator
        Unfitted estimator with the parameters that were chosen.
    weight
        Weight beside the other members'.
    """

    name: str
    estimator: Any
    weight: int = 1

    @classmethod
    def of(cls, result: Result, weight: int = 1) -> "Member":
        """A candidate as its search left it."""
        return cls(result.entry.candidate, result.built.with_params(result.params), weight)


@dataclass(frozen=True, slots=True)
class Finalist:
    """A model that could be published.

    Parameters
    ----------
    entry
        Entry on the leaderboard.
    members
        The candidates that it is made of: one, or several whose answers are averaged.
    out_of_fold
        Scores of rows that neither its members nor their weights nor the calibration were learned on.
    calibration
        Calibration of its probabilities; None if they are answered as they are.
    """

    entry: LeaderboardEntry
    members: tuple[Member, ...]
    out_of_fold: OutOfFold
    calibration: Calibration | None = None

    @classmethod
    def of(cls, result: Result, out_of_fold: OutOfFold) -> "Finalist":
        """A candidate alone."""
        return cls(result.entry, (Member.of(result),), out_of_fold)

    def calibrated(self, folds: Folds, *, select_by: str) -> "Finalist":
        """The finalist with truer probabilities; itself where no calibration makes them so by more than chance.

        Parameters
        ----------
        folds
            Training rows.
        select_by
            Name of a metric that may not get worse by more than chance.
        """
        found = calibration_of(folds, self.out_of_fold, self.entry.scores, select_by=select_by)
        if found is None:
            return self
        entry = self.entry.model_copy(update={"scores": found.scores})
        return replace(self, entry=entry, out_of_fold=found.out_of_fold, calibration=found)

    def fit(self, folds: Folds) -> Any:
        """A fitted estimator, of all rows."""
        fitted = [folds.fit(clone(member.estimator)) for member in self.members]
        decides = self.calibration is not None and hasattr(fitted[0], "decision_function")
        estimator = self._average(folds, fitted) if decides or len(fitted) > 1 else fitted[0]
        return estimator if self.calibration is None else self.calibration.around(estimator)

    def _average(self, folds: Folds, fitted: list[Any]) -> Any:
        """A vote as its own fit leaves it; that would cut the rows of some members at random once more.

        Also of one member, if its probabilities are to be calibrated and not its decisions.
        """
        classifies = folds.contract.task == "classification"
        named = [(member.name, member.estimator) for member in self.members]
        weights = [member.weight for member in self.members]
        vote = (
            VotingClassifier(named, voting="soft", weights=weights)
            if classifies
            else VotingRegressor(named, weights=weights)
        )
        vote.estimators_ = fitted
        vote.named_estimators_ = Bunch(**{member.name: one for member, one in zip(self.members, fitted, strict=True)})
        if classifies:
            vote.le_ = LabelEncoder().fit(folds.targets)
            vote.classes_ = vote.le_.classes_
        return vote
