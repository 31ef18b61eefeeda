"""What labels say of a request that both versions answered."""

from skylift.contract import Target
from skylift.experiment.lines import Right
from skylift.monitoring.answers import decode
from skylift.monitoring.labels import LabelBook
from skylift.monitoring.records import Record


def right_by(book: LabelBook, target: Target) -> Right:
    """Function from a line to the numbers of its labelled rows that one side alone has right.

    Parameters
    ----------
    book
        Labels that count.
    target
        Target of the champion, whose codes both sides' answers have in the line.
    """
    codes: dict[tuple[bool, object], float] = {
        (isinstance(name, bool), name): float(code) for code, name in enumerate(target.classes)
    }

    def right(record: Record) -> tuple[int, int]:
        labels = book.of(record.id) if record.id else {}
        if not labels:
            return 0, 0
        told = record.document.get("experiment")
        theirs = decode(record.document.get("answers")) or []
        ours = decode(told.get("answers") if isinstance(told, dict) else None) or []
        challenger = champion = 0
        for instance, label in labels.items():
            if instance < min(len(ours), len(theirs)):
                truth = codes.get((isinstance(label.value, bool), label.value))
                challenger += truth == ours[instance] != theirs[instance]
                champion += truth == theirs[instance] != ours[instance]
        return challenger, champion

    return right
