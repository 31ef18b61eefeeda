"""What of the labels could be used: a report keeps it, with or without a figure."""

from skylift.monitoring.by_labels import ByLabels, LabelUse
from skylift.monitoring.report import Report
from tests.support.drift_reports import HOUR, START, counted, report

USE = LabelUse(unknown=3, refused=2, files=5, files_read=4, cut=True)


def test_a_report_and_the_status_hold_what_could_not_be_used() -> None:
    made = report({"v7": counted(500)}, by_labels=ByLabels(use=USE))

    assert Report.from_bytes(made.to_bytes(), source="latest.json").labels == USE
    told = made.status(START + 2 * HOUR)
    assert told["labels"] == {"unknown": 3, "refused": 2, "files": 5, "files_read": 4, "cut": True}
    assert told["live"] is None


def test_without_labels_a_report_has_neither() -> None:
    made = report({"v7": counted(500)})

    assert (made.live, made.labels) == (None, None)
