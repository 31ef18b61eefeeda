"""Filter patterns of CloudWatch Logs, of the one kind that subscriptions here use."""

import json
import re

_TERM = re.compile(r'\$\.(\w+) = (?:"([^"]*)"|(\*))')


def matches(pattern: str, line: str) -> bool:
    """Whether a line is JSON with the members that a pattern names: `{ $.name = "value" && $.other = * }`.

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
        name, value, _ = term.groups()
        if not isinstance(document, dict) or name not in document or (value is not None and document[name] != value):
            return False
    return True
