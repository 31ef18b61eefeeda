"""Reads YAML by the core schema of version 1.2, as DVC does, where PyYAML has version 1.1.

Only `true` and `false` are booleans, so `no` is a text; `1e-3` is a number, `010` is ten, and a date is a text.
"""

import re
from collections.abc import Sequence
from typing import Any

import yaml

_RESOLVED = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}


class _Loader(yaml.SafeLoader):
    """A safe loader with the words of YAML 1.2; a repeated key is an error."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own name)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float):
                if (type(key), key) in keys:
                    raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is repeated", key_node.start_mark)
                keys.add((type(key), key))
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        text = self.construct_scalar(node)
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


for _name, (_pattern, _first) in _RESOLVED.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def load_yaml(content: bytes | str) -> Any:
    """Read a document.

    Raises
    ------
    yaml.YAMLError
        It is not YAML, or repeats a key.

    Examples
    --------
    >>> load_yaml("{0: no, C: 1e-3, day: 2026-01-01, ok: true}")
    {0: 'no', 'C': 0.001, 'day': '2026-01-01', 'ok': True}
    """
    return yaml.load(content, _Loader)  # noqa: S506 (a SafeLoader)


def line_of(content: bytes | str, place: Sequence[str | int]) -> int:
    r"""The line of a key, counted from 1; that of the nearest key above it where it is not there.

    Examples
    --------
    >>> line_of("split:\n  seed: x", ("split", "seed")), line_of("split: {}", ("split", "seed"))
    (2, 1)
    """
    node, line = yaml.compose(content, _Loader), 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = [(value, value) for value in node.value[part : part + 1]]
        else:
            found = []
        if not found:
            break
        key, node = found[0]
        line = key.start_mark.line + 1
    return line
