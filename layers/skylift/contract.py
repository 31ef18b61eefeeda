"""The contract between a model and its callers: which fields go in, what comes out.

It is made from the data and `model.yaml` by training, travels in the manifest, and is the only source of the
request schema, the OpenAPI page, the form and the docs.
"""

import math
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

type Scalar = bool | int | float | str | None
"""A value of one field, as JSON has it."""

type Instance = dict[str, Scalar]
"""One row by field name."""

type ClassName = bool | int | str
"""A class of the target, as the table has it."""

LARGEST_NUMBER = 3.4028234663852886e38
"""The largest float32: forests compute in it, so a larger number is infinite to them."""

Kind = Literal["number", "integer", "category", "boolean"]
Task = Literal["classification", "regression"]


class Document(BaseModel):
    """Base of everything stored with a version: immutable, and tolerant of keys that later releases add."""

    # Deferred: the parts are built once, with the manifest that holds them, and not each on its own at import.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", ser_json_inf_nan="strings")

    indent: ClassVar[int] = 2
    """Spaces per level in the stored JSON."""

    def to_bytes(self) -> bytes:
        """Canonical JSON: the bytes that are stored and that digests name."""
        return self.model_dump_json(indent=self.indent, exclude_none=True).encode() + b"\n"


class Feature(Document):
    """One input field.

    Parameters
    ----------
    name
        Its name in a request.
    kind
        How its value is written: a number, an integer, one of `categories`, or true and false.
    required
        False where training saw rows without it: callers may then leave it out or send null.
    categories
        The known values of a category, in the order of their codes.
    min, max, mean
        Over the training rows, for numbers and integers.
    unit, description
        For people.
    example
        A typical value.
    """

    name: str
    kind: Kind
    required: bool = True
    categories: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    unit: str | None = None
    description: str | None = None
    example: Scalar = None

    @cached_property
    def codes(self) -> dict[Scalar, float]:
        """The number that stands for each category; NaN for a missing one."""
        codes: dict[Scalar, float] = {name: float(code) for code, name in enumerate(self.categories)}
        return codes | {None: math.nan}


class Target(Document):
    """What is predicted.

    Parameters
    ----------
    name
        The column it was learned from.
    classes
        For classification, in the order of their codes; empty for regression.
    unit
        For regression.
    """

    name: str
    classes: tuple[ClassName, ...] = ()
    unit: str | None = None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The classes as keys of a JSON object."""
        return tuple(class_key(name) for name in self.classes)


class Contract(Document):
    """Ordered features and the target of a model.

    Raises
    ------
    ValueError
        Names repeat, a category has no values, a range has one end, or a classification has fewer than two classes.
    """

    task: Task
    features: tuple[Feature, ...]
    target: Target

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        names = [feature.name for feature in self.features]
        if not names or len(names) != len(set(names)):
            raise ValueError("features must be at least one, each with a name of its own")
        for feature in self.features:
            if (feature.kind == "category") != bool(feature.categories):
                raise ValueError(f"feature {feature.name!r}: a category, and nothing else, lists its categories")
            if (feature.min is None) != (feature.max is None):
                raise ValueError(f"feature {feature.name!r}: min and max come together")
        if self.task == "classification" and len(self.target.classes) < 2:
            raise ValueError("a classification needs at least two classes")
        return self

    @property
    def example(self) -> Instance:
        """A typical instance."""
        return {feature.name: feature.example for feature in self.features}


def class_key(name: ClassName) -> str:
    """Write a class as the key of a JSON object.

    Examples
    --------
    >>> class_key(True), class_key(3), class_key("setosa")
    ('true', '3', 'setosa')
    """
    return str(name).lower() if isinstance(name, bool) else str(name)
