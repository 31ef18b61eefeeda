"""Templates with marked sections."""

import re
from collections.abc import Mapping


def with_sections(template: str, sections: Mapping[str, str]) -> str:
    """Write the marked sections of a template again.

    Parameters
    ----------
    template
        Text with sections between lines that end with `<name>` and `</name>`.
    sections
        Content by the name of the section, without a line break at its end.
    """
    for name, content in sections.items():
        marks = re.compile(rf"^\S+ <{name}>\n.*?^\S+ </{name}>\n", re.DOTALL | re.MULTILINE)
        template, found = marks.subn(lambda _, content=content: f"{content}\n", template)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"a template has {found} sections {name}")
    return template
