"""The model card of a version, `card.html`, as it is shown.

The card is among the files whose digests the manifest holds, so it cannot hold the manifest's own digest. Nor does it
hold when and from which commit it was made: the same inputs give the same card. All three are written into it when it
is shown, after its digest was checked.
"""

from typing import TYPE_CHECKING

from skylift.manifest import Lineage, Manifest
from skylift.pages.markup import element, joined
from skylift.references import Reference

if TYPE_CHECKING:
    from skylift.monitoring.report import Report

CARD_FILE = "card.html"

REFERENCE_SLOT = "<!-- reference -->"
ORIGIN_SLOT = "<!-- origin -->"
"""Where a stored card leaves room; text from the data cannot look like it, because it is escaped.

Cards of older releases have no room for the origin: they hold the moment and the commit.
"""


def as_shown(card: bytes, reference: Reference, manifest: Manifest, report: "Report | None" = None) -> bytes:
    """A stored card with the reference of its version, the moment of its training, and the commit it was of.

    Parameters
    ----------
    report
        Latest report on the traffic, for a link to its page beside the reference; None without one.
    """
    origin = f"trained {manifest.created_at:%Y-%m-%d %H:%M} UTC, {_commit(manifest.lineage)}"
    words = f"traffic of {report.version}: {report.state}" if report else None
    link = joined(". ", element("a", words, href="drift-report")) if words else ""
    for slot, markup in ((REFERENCE_SLOT, joined(str(reference), link)), (ORIGIN_SLOT, joined(origin))):
        card = card.replace(slot.encode(), markup.encode(), 1)
    return card


def _commit(lineage: Lineage) -> str:
    if lineage.git_commit is None:
        return "of no known commit"
    return f"of commit {lineage.git_commit}{' with changes' if lineage.git_dirty else ''}"
