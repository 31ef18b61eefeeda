"""Filter patterns of CloudWatch Logs, of the one kind that is used here."""

import json
import re

_TERM = re.compile(r'\$\.([\w.]+) = (?:"([^"]*)"|(\*))')


def matches(pattern: str, line: str) -> bool:
    """Whether a line is JSON with the members that a pattern names: `{ $.name = "value" && $.other.inner = * }`.

    Raises
    ------
    NotImplementedError
        The pattern is of another kind.
    """
    terms = [_TERM.fullmatch(term.strip()) for term in pattern.strip().strip("{}").split("&&")]
    try:
        document = json.loads(line)
    except ValueError:
        return False
    for term in terms:
        if term is None:
            raise NotImplementedError(pattern)
        path, value, _ = term.groups()
        found = [document]
        for name in path.split("."):
            found = [each[name] for each in found if isinstance(each, dict) and name in each]
        if not found or (value is not None and found != [value]):
            return False
    return True
