"""Sections of a template are written again, and nothing else."""

import pytest

from training.clients.sections import with_sections

TEMPLATE = "before\n# <types>\nold\n# </types>\nafter\n"


def test_a_section_is_replaced_with_its_marks() -> None:
    assert with_sections(TEMPLATE, {"types": r"new \1"}) == "before\nnew \\1\nafter\n"


def test_a_template_without_the_section_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="0 sections constants"):
        with_sections(TEMPLATE, {"constants": ""})
