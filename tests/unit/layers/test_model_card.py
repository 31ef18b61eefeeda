"""A stored card and the reference that it is shown with."""

from skylift.model_card import REFERENCE_SLOT, with_reference
from skylift.references import Reference

REFERENCE = Reference(7, "ab" * 32)


def test_the_reference_is_written_where_the_card_leaves_room() -> None:
    assert with_reference(f"<p>{REFERENCE_SLOT}</p>".encode(), REFERENCE) == f"<p>{REFERENCE}</p>".encode()


def test_a_card_without_room_stays_as_it_is() -> None:
    assert with_reference(b"<p></p>", REFERENCE) == b"<p></p>"


def test_it_is_written_once() -> None:
    assert with_reference(f"{REFERENCE_SLOT}{REFERENCE_SLOT}".encode(), REFERENCE).count(str(REFERENCE).encode()) == 1
