"""What a contract holds, as members of typed objects: the part that both languages write in their own words."""

from dataclasses import dataclass

from skylift.contract import ClassName, Contract
from skylift.feature import MAX_COUNTED, Feature, Scalar

INTRODUCED_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a JSON object.

    Parameters
    ----------
    name
        Key, any text.
    types
        Types in JSON: `number`, `integer`, `string`, `boolean`, `null`.
    values
        The only values, where they are few; empty otherwise.
    optional
        Whether it may be absent.
    comment
        A line for people; empty for none.
    """

    name: str
    types: tuple[str, ...]
    values: tuple[ClassName, ...] = ()
    optional: bool = False
    comment: str = ""


def instance_members(contract: Contract) -> list[Member]:
    """Members of an instance, in the order of the contract."""
    return [_of_feature(feature) for feature in contract.features]


def _of_feature(feature: Feature) -> Member:
    named = feature.json_schema["type"]
    types = tuple(named) if isinstance(named, list) else (str(named),)
    listed = () if feature.takes_unknown or len(feature.texts) > MAX_COUNTED else feature.texts
    words = f"{feature.description}: {feature.expectation}" if feature.description else feature.expectation
    if feature.training_range and feature.is_numeric:
        words += f", {feature.training_range} in training"
    return Member(feature.name, types, listed, not feature.required, one_line(words))


def label_values(contract: Contract) -> tuple[ClassName, ...]:
    """The labels, where a type may list them; empty for a regression and for more classes."""
    classes = contract.target.classes
    return classes if len(classes) <= MAX_COUNTED else ()


def label_types(contract: Contract) -> tuple[str, ...]:
    """Types of the labels in JSON."""
    kinds = {bool: "boolean", int: "integer", str: "string"}
    return tuple(sorted({kinds[type(name)] for name in contract.target.classes}))


def example(contract: Contract) -> dict[str, Scalar]:
    """A typical instance that is valid: without the fields that may be absent and have no typical value."""
    return {
        feature.name: value
        for feature in contract.features
        if (value := feature.example) is not None or feature.required
    }


def one_line(text: str) -> str:
    r"""Text that ends no comment: printable characters on one line, cut to a readable length.

    Examples
    --------
    >>> one_line("in cm\n*/ evil()")
    'in cm */ evil()'
    """
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return line if len(line) <= INTRODUCED_LETTERS else f"{line[: INTRODUCED_LETTERS - 3]}..."
