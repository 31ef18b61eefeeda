"""The client in Python."""

import keyword
from collections.abc import Iterable
from importlib.resources import files

from skylift.contract import Contract
from skylift.feature import Scalar
from skylift.interface import contract_digest
from training.clients.members import Member, example, instance_members, label_types, label_values, one_line
from training.clients.sections import with_sections

_TYPES = {"number": "float", "integer": "int", "string": "str", "boolean": "bool", "null": "None"}
_LINE = 90
_WRITTEN = {*_TYPES.values(), "Literal", "NotRequired", "Label", "Probabilities", "Explanation", "list"}


def python_client(model: str, contract: Contract) -> str:
    """The client of a contract: a module that mypy checks strictly.

    Parameters
    ----------
    model
        Name of the model.
    """
    template = files("training.clients").joinpath("template.py").read_text(encoding="utf-8")
    constants = f"MODEL = {_literal(model)}\nCONTRACT = {_literal(contract_digest(contract))}"
    parts = [
        _object("Instance", "One row to predict.", instance_members(contract)),
        *_answers(contract),
        f"EXAMPLE: Instance = {_example(contract)}",
    ]
    return with_sections(template, {"constants": constants, "types": "\n\n\n".join(parts)})


def _example(contract: Contract) -> str:
    members = [f"{_literal(name)}: {_literal(value)}" for name, value in example(contract).items()]
    line = f"{{{', '.join(members)}}}"
    return line if len(line) <= _LINE else "{\n" + "".join(f"    {member},\n" for member in members) + "}"


def _literal(value: Scalar) -> str:
    """A value as Python writes it, texts with double quotes where they hold none."""
    written = repr(value)
    if isinstance(value, str) and written.startswith("'") and '"' not in written:
        return f'"{written[1:-1]}"'
    return written


def _answers(contract: Contract) -> list[str]:
    """Definitions of an answer's types."""
    if contract.task == "regression":
        number = ("number", "null")
        unit = one_line(contract.target.unit or "")
        members = [Member("value", number, comment=unit)]
        if contract.target.margins is not None:
            members += [Member("low", number), Member("high", number), Member("level", ("number",))]
        written = [(member, _type(member)) for member in members]
    else:
        label = _type(Member("label", label_types(contract), label_values(contract)))
        written = [(Member("label", ()), "Label | None"), (Member("probabilities", ()), "Probabilities")]
        if contract.target.sets is not None:
            written.append((Member("set", (), optional=True), "list[Label]"))
    written.append((Member("explanation", (), optional=True), "Explanation"))
    prediction = _typed_dict("Prediction", "The answer for one instance.", written)
    if contract.task == "regression":
        return [prediction]
    keys = [Member(key, ("number", "null")) for key in contract.target.keys]
    probabilities = _object("Probabilities", "Probability of each class.", keys)
    return [f"Label = {label}", probabilities, prediction]


def _object(name: str, words: str, members: Iterable[Member]) -> str:
    return _typed_dict(name, words, [(member, _type(member)) for member in members])


def _typed_dict(name: str, words: str, members: list[tuple[Member, str]]) -> str:
    """A TypedDict: a class where each key can be the name of an attribute, else a call."""
    plain = all(_is_plain(member.name) for member, _ in members)
    lines = []
    for member, named in members:
        kind = f"NotRequired[{named}]" if member.optional else named
        comment = f"  # {member.comment}" if member.comment else ""
        written = f"{member.name}: {kind}" if plain else f"{_literal(member.name)}: {kind},"
        lines.append(f"    {written}{comment}")
    content = "\n".join(lines)
    if plain:
        return f'class {name}(TypedDict):\n    """{words}"""\n\n{content}'
    return f"{name} = TypedDict({_literal(name)}, {{\n{content}\n}})"


def _is_plain(name: str) -> bool:
    """Whether a key can stand in a class, where Python changes names that begin with two underscores."""
    named = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return named and not name.startswith("__") and name not in _WRITTEN


def _type(member: Member) -> str:
    null = ["None"] if "null" in member.types else []
    if member.values:
        return " | ".join([f"Literal[{', '.join(map(_literal, member.values))}]", *null])
    return " | ".join(_TYPES[name] for name in member.types)
