"""The contract between a model and its callers: which fields go in, what comes out.

It is made from the data and `model.yaml` by training, travels in the manifest, and is the only source of the
request schema, the OpenAPI page, the form and the docs.
"""

from functools import cached_property
from itertools import accumulate
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skylift.cells import clean_text
from skylift.conformal import Margins, Sets
from skylift.documents import Document
from skylift.feature import Feature, Scalar

type Instance = dict[str, Scalar]
"""One row by field name."""

type ClassName = bool | int | str
"""A class of the target, as the table has it."""

Task = Literal["classification", "regression"]


class Target(Document):
    """What is predicted.

    Parameters
    ----------
    name
        The column it was learned from.
    classes
        Classes in the order of their codes; empty for regression.
    unit
        Unit of the values; None for classification.
    threshold
        Probability above which the label is the second of two classes; None if it is the most probable class.
    margins
        Margins of the interval around a predicted value; None if answers have none.
    sets
        Classes of a prediction set, for requests that ask for one; None if the version makes none.
    rest, merged
        One of the classes, and the rare classes of the table that it stands for; None without any.
    """

    name: str
    classes: tuple[ClassName, ...] = ()
    unit: str | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    margins: Margins | None = None
    sets: Sets | None = None
    rest: ClassName | None = None
    merged: tuple[str, ...] | None = None

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The classes as keys of a JSON object."""
        return tuple(class_key(name) for name in self.classes)


class Contract(Document):
    """Ordered features and the target of a model.

    Parameters
    ----------
    ignored
        Other columns of the table, the target's among them: a request may hold them, and they change nothing. Empty in
        versions of older releases.

    Raises
    ------
    ValueError
        Names repeat, a category has no values, a range has one end, a classification has fewer than two classes, or
        a threshold is not between two.
    """

    task: Task
    features: tuple[Feature, ...]
    target: Target
    ignored: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        names = [feature.name for feature in self.features]
        if not names or len(names) != len(set(names)):
            raise ValueError("features must be at least one, each with a name of its own")
        columns = [feature.column for feature in self.features if feature.column is not None]
        if len({*names, *self.ignored, *columns}) < len({*names, *self.ignored}) + len(columns):
            raise ValueError("each column belongs to one feature, and no other has its name")
        if ignored := set(names).intersection(self.ignored):
            raise ValueError(f"feature {min(ignored)!r} is ignored as well")
        for feature in self.features:
            feature.check()
        if self.task == "classification" and len(self.target.classes) < 2:
            raise ValueError("a classification needs at least two classes")
        if self.target.threshold is not None and len(self.target.classes) != 2:
            raise ValueError("a threshold is between two classes")
        return self

    def with_target(self, **fields: object) -> Self:
        """The same contract with fields of its target replaced."""
        return self.model_copy(update={"target": self.target.model_copy(update=fields)})

    @property
    def undecided(self) -> Self:
        """The same contract without what training decided of answers: what the table and `model.yaml` alone say."""
        return self.with_target(threshold=None, margins=None, sets=None)

    @cached_property
    def width(self) -> int:
        """Number of columns of an encoded row."""
        return sum(feature.width for feature in self.features)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """The columns of each feature in an encoded row."""
        ends = accumulate(feature.width for feature in self.features)
        return tuple(slice(end - feature.width, end) for end, feature in zip(ends, self.features, strict=True))

    @cached_property
    def leads(self) -> tuple[int, ...]:
        """The first column of each feature: the number that stands for it; see `skylift.encoding`."""
        return tuple(block.start for block in self.blocks)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every name that a request may use, with the name of the feature or of the ignored column."""
        columns = {feature.column: feature.name for feature in self.features if feature.column is not None}
        names = (*self.ignored, *(feature.name for feature in self.features))
        return columns | {name: name for name in names}

    def known_name(self, name: str) -> str | None:
        """The feature or ignored column that a name stands for, read as training reads a header; None for neither.

        Examples
        --------
        >>> size = Feature(name="size", column="Size in m2", kind="number")
        >>> contract = Contract(task="regression", features=(size,), target=Target(name="rent"), ignored=("rent",))
        >>> contract.known_name("Size in m2 "), contract.known_name("rent"), contract.known_name("sise")
        ('size', 'rent', None)
        """
        return self.spellings.get(name) or self.spellings.get(clean_text(name) or "")

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
