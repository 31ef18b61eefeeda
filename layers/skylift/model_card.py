"""The model card of a version, `card.html`, as it is shown.

The card is among the files whose digests the manifest holds, so it cannot hold the manifest's own digest: the
reference is written into it when it is shown, after its digest was checked.
"""

from html import escape

from skylift.references import Reference

CARD_FILE = "card.html"

REFERENCE_SLOT = "<!-- reference -->"
"""Where a stored card leaves room for the reference; text from the data cannot look like it, because it is escaped."""


def with_reference(card: bytes, reference: Reference) -> bytes:
    """A stored card with the reference of its version.

    Examples
    --------
    >>> with_reference(b"<p><!-- reference --></p>", Reference(7, "0" * 64))[:18]
    b'<p>v7@sha256:00000'
    """
    return card.replace(REFERENCE_SLOT.encode(), escape(str(reference)).encode(), 1)
