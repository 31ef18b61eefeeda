"""Joins labels with what was answered: the two arrive apart, and in any order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from skylift.monitoring.labels import Label, LabelBook


@dataclass(slots=True)
class Labelled:
    """Labelled rows of one version.

    Parameters
    ----------
    requests
        Number of the request of each row: rows of one are drawn together by chance.
    answers
        Class codes or predicted values, NaN for none.
    labels
        Labels of the rows.
    delays
        Seconds from the answer to the observation of the label.
    bins
        Bins of the features, of rows that were alone in their request; None for others.
    """

    requests: list[int] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    bins: list[Sequence[int] | None] = field(default_factory=list)


class Join:
    """Joins labels with what was answered, record by record, in any order.

    Parameters
    ----------
    book
        Labels that count.

    Attributes
    ----------
    predictions
        Number of answered rows by version.
    labelled
        Labelled rows by version.
    """

    def __init__(self, book: LabelBook) -> None:
        self._book = book
        self._requests = 0
        self.predictions: Counter[str] = Counter()
        self.labelled: dict[str, Labelled] = {}

    def add(
        self,
        request: str,
        version: str,
        answered_at: datetime,
        answers: Sequence[float],
        bins: Sequence[int] | None = None,
    ) -> None:
        """Add a request that was answered, once.

        Parameters
        ----------
        answers
            Class codes or predicted values of the instances, NaN for none.
        bins
            Bins of the features, of a request with one instance.
        """
        self.predictions[version] += len(answers)
        labels = {instance: label for instance, label in self._book.of(request).items() if instance < len(answers)}
        if not labels:
            return
        self._requests += 1
        labelled = self.labelled.setdefault(version, Labelled())
        for instance, label in labels.items():
            labelled.requests.append(self._requests)
            labelled.answers.append(answers[instance])
            labelled.labels.append(label)
            labelled.delays.append((label.observed_at - answered_at).total_seconds())
            labelled.bins.append(bins)

    @property
    def unknown(self) -> int:
        """Number of labels of requests that were not added: of another time, or of none. They are kept for later."""
        return len(self._book) - sum(len(labelled.labels) for labelled in self.labelled.values())
