"""What labels say of a version, and what of them could be used."""

from dataclasses import dataclass

from skylift.documents import Document
from skylift.monitoring.live import Live


class LabelUse(Document):
    """What of the labels could be used: the rest costs no figure, and should not go unseen.

    Parameters
    ----------
    unknown
        Number of labels of the last days that belong to nothing that was read of the answers of these days.
    refused
        Number of entries of files that are not labels in the terms of the contract.
    files, files_read
        Numbers of files that arrived in these days, and of those that were read.
    cut
        Whether a part of the answers alone was read, so that more labels are unknown.
    """

    unknown: int
    refused: int
    files: int
    files_read: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ByLabels:
    """What labels say of a version.

    Parameters
    ----------
    live
        How right it answered; None without a label that can be joined.
    use
        What of the labels could be used; None where none has arrived.
    """

    live: Live | None = None
    use: LabelUse | None = None
