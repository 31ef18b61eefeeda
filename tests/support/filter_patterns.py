"""Filter patterns of CloudWatch Logs, of the one kind that is used here."""

import json
import re

_TERM = re.compile(r'\$\.([\w.]+) = (?:"([^"]*)"|(\*))')


def matches(pattern: str, line: str) -> bool:
    """Whether a line is JSON with the members that a pattern names.

    A pattern is `{ ($.name = "value" || $.other = "value") && $.inner.member = * }`, of one term or more.

    Raises
    ------
    NotImplementedError
        The pattern is of another kind.
    """
    groups = [group.strip() for group in pattern.strip().strip("{}").split("&&")]
    if len(groups) > 1:
        groups = [group.removeprefix("(").removesuffix(")") for group in groups]
    every = [[_TERM.fullmatch(term.strip()) for term in group.split("||")] for group in groups]
    if any(term is None for group in every for term in group):
        raise NotImplementedError(pattern)
    try:
        document = json.loads(line)
    except ValueError:
        return False
    return all(any(_holds(term, document) for term in group if term) for group in every)


def _holds(term: re.Match[str], document: object) -> bool:
    """Whether a document has the member that a term names."""
    path, value, _ = term.groups()
    found = [document]
    for name in path.split("."):
        found = [each[name] for each in found if isinstance(each, dict) and name in each]
    return bool(found) and value in {None, *(each for each in found if isinstance(each, str))}
