"""The client in TypeScript."""

import json
from collections.abc import Iterable
from importlib.resources import files

from skylift.contract import Contract
from skylift.interface import contract_digest
from training.clients.members import Member, example, instance_members, label_types, label_values, one_line
from training.clients.sections import with_sections

_TYPES = {"number": "number", "integer": "number", "string": "string", "boolean": "boolean", "null": "null"}


def typescript_client(model: str, contract: Contract) -> str:
    """The client of a contract: a module that `tsc --strict` takes.

    Parameters
    ----------
    model
        Name of the model.
    """
    template = files("training.clients").joinpath("template.ts").read_text(encoding="utf-8")
    constants = [("MODEL", model), ("CONTRACT", contract_digest(contract))]
    parts = [
        _object("Instance", "One row to predict.", instance_members(contract)),
        *_answers(contract),
        f"export const EXAMPLE: Instance = {_example(contract)};",
    ]
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in constants]
    return with_sections(template, {"constants": "\n".join(lines), "types": "\n\n".join(parts)})


def _example(contract: Contract) -> str:
    """The instance as a literal, in which a plain `__proto__` would be another thing than a key."""
    members = [f"{_key(name)}: {json.dumps(value)}" for name, value in example(contract).items()]
    return f"{{ {', '.join(members)} }}"


def _key(name: str) -> str:
    return '["__proto__"]' if name == "__proto__" else json.dumps(name)


def _answers(contract: Contract) -> list[str]:
    """Definitions of an answer's types."""
    explanation = ("explanation?", "Explanation", "")
    if contract.task == "regression":
        number = "number | null"
        members = [("value", number, one_line(contract.target.unit or ""))]
        if contract.target.margins is not None:
            members += [("low", number, ""), ("high", number, ""), ("level", "number", "")]
        return [_interface("Prediction", "The answer for one instance.", [*members, explanation])]
    label = _type(Member("label", label_types(contract), label_values(contract)))
    keys = [Member(key, ("number", "null")) for key in contract.target.keys]
    sets = [("set?", "Label[]", "")] if contract.target.sets is not None else []
    members = [("label", "Label | null", ""), ("probabilities", "Probabilities", ""), *sets, explanation]
    return [
        f"export type Label = {label};",
        _object("Probabilities", "Probability of each class.", keys),
        _interface("Prediction", "The answer for one instance.", members),
    ]


def _object(name: str, words: str, members: Iterable[Member]) -> str:
    written = [
        (f"{json.dumps(member.name)}{'?' if member.optional else ''}", _type(member), member.comment)
        for member in members
    ]
    return _interface(name, words, written)


def _interface(name: str, words: str, members: Iterable[tuple[str, str, str]]) -> str:
    """An interface of keys with their types and comments."""
    lines = [f"  {key}: {written};{f' // {comment}' if comment else ''}" for key, written, comment in members]
    return f"/** {words} */\nexport interface {name} {{\n" + "\n".join(lines) + "\n}"


def _type(member: Member) -> str:
    if member.values:
        null = ["null"] if "null" in member.types else []
        return " | ".join([*map(json.dumps, member.values), *null])
    return " | ".join(dict.fromkeys(_TYPES[name] for name in member.types))
