"""Live accuracy of a version: labels of the last days, joined with what was answered in the same days."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from skylift.contract import Contract
from skylift.manifest import Manifest
from skylift.monitoring.answers import decode
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.by_labels import ByLabels, LabelUse
from skylift.monitoring.join import Join, Labelled
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.live import measure
from skylift.monitoring.profile import Profile, Shape
from skylift.monitoring.records import Reader, Record
from skylift.monitoring.sources import Source

BACK = timedelta(days=30)
"""How late a label may come after its answer."""


class LiveAccuracy:
    """Measures versions by labels.

    Parameters
    ----------
    source
        Keeper of the service's lines.
    labels
        Labels of the model.
    """

    def __init__(self, source: Source, labels: LabelStore) -> None:
        self._source = source
        self._labels = labels

    def of(self, manifest: Manifest, baseline: Baseline, end: datetime) -> ByLabels:
        """What labels say of a version in the `BACK` until a time.

        The lines are read only if there are labels. Of many lines and labels a part is read, as everywhere.

        Raises
        ------
        AwsUnavailable
            Labels or lines cannot be read.
        OSError
            A log file cannot be read.
        """
        start, contract = end - BACK, manifest.contract
        labels = self._labels.read(contract.target, start, end)
        book = labels.book
        if not labels.files:
            return ByLabels()
        use = LabelUse(unknown=0, refused=labels.refused, files=labels.files, files_read=labels.files_read)
        if not book:
            return ByLabels(use=use)
        join, shape, reader, of_others = Join(book), Shape.of(baseline), Reader(), 0
        first, last = start.timestamp(), end.timestamp()
        for record in self._source.read(reader, start, end).records:
            if record.id is None or not first <= record.at < last:
                continue
            if record.version != manifest.name:
                of_others += sum(instance < record.instances for instance in book.of(record.id))
            elif answers := _answers(record, contract):
                bins = _bins(record, shape) if book.of(record.id) else None
                join.add(record.id, record.version, datetime.fromtimestamp(record.at, UTC), answers, bins)
        names, all_bins = list(baseline.counted), [each.bins for each in baseline.counted.values()]
        whole = [*(feature.kind == "integer" for feature in contract.features), *(False for _ in baseline.words or ())]
        live = measure(
            join.labelled.get(manifest.name, Labelled()),
            contract.target,
            version=manifest.name,
            predictions=join.predictions[manifest.name],
            gates=manifest.gates,
            words=lambda place, index: all_bins[place].words(index, names[place], whole=whole[place]),
        )
        return ByLabels(live, use.model_copy(update={"unknown": join.unknown - of_others, "cut": reader.cut}))


def _answers(record: Record, contract: Contract) -> list[float]:
    """The answers of a line; none of one that has not those of this contract."""
    answers = decode(record.document.get("answers")) or []
    codes = range(len(contract.target.classes))
    return answers if not codes or all(math.isnan(answer) or answer in codes for answer in answers) else []


def _bins(record: Record, shape: Shape) -> Sequence[int] | None:
    """Bins of a line with one instance."""
    if not isinstance(record.profile, list):
        return None
    try:
        return [next(iter(counts)) for counts in Profile.decode(record.profile, shape).features]
    except (ValueError, OverflowError):
        return None
