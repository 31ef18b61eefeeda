"""Says field by field what is wrong with a body that is refused.

Each value is looked at once, so that a refusal costs no more than an answer: missing and unknown names are counted by
set, and of all problems only those that the caller is told are written.
"""

from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

from pydantic_core import to_json

from inference.fields import Fields
from inference.spellings import Spellings
from skylift.http.errors import FieldProblem, InvalidInstance
from skylift.names import listed
from skylift.values import Fault, fault

type Place = tuple[str | int, ...]
"""Keys and positions from the body down to a value."""

MAX_PROBLEMS = 20
"""How many problems a caller is told."""

_MAX_SUGGESTIONS = 6
_MAX_FOREIGN_NAME = 200
_MAX_FOREIGN_POINTER = 1000  # bytes of JSON


class Refusal:
    """The problems of one body.

    Parameters
    ----------
    fields
        What an instance may hold.

    Attributes
    ----------
    problems
        The first problems, at most `MAX_PROBLEMS`.
    total
        Number of all problems.
    """

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._suggestions = 0
        self.problems: list[FieldProblem] = []
        self.total = 0

    @property
    def error(self) -> InvalidInstance:
        """The error to answer with."""
        return InvalidInstance(tuple(self.problems), self.total)

    @property
    def is_full(self) -> bool:
        """Whether all problems that are told are written, so that others are only counted."""
        return len(self.problems) == MAX_PROBLEMS

    def of_shape(self, place: Place, message: str, reason: str = "wrong_type") -> None:
        """Note that something is not of the form that it should have."""
        self._note(1, (place,), lambda place: _problem(place, reason, message))

    def of_unknown(self, place: Place, names: Iterable[str], count: int) -> None:
        """Note names that are not known.

        Parameters
        ----------
        place
            Place of the object that has them.
        count
            Number of the names.
        """
        self._note(count, names, lambda name: self._of_name(place, name))

    def of_array(self) -> None:
        """Note that the body is an array."""
        self.of_shape((), 'expected an object: wrap the array as {"instances": [...]}')

    def of_list(self, instances: Any) -> None:
        """Note what is wrong with the list of instances itself."""
        if not isinstance(instances, list):
            self.of_shape(("instances",), "expected an array of instances")
        elif not instances:
            self.of_shape(("instances",), "expected at least one instance", "wrong_length")

    def of_instance(self, place: Place, instance: Any, sent: Any) -> None:
        """Note what is wrong with one instance, if anything is.

        Parameters
        ----------
        place
            Place of the instance.
        instance, sent
            The instance with the names of the contract, and as it was sent, perhaps with those of columns.
        """
        if isinstance(instance, dict):
            fields = self._fields
            self._of_fields(instance, fields.required, lambda name: (*place, self._sent_name(name, sent)))
            if unknown := len(instance) - len(fields.known.intersection(instance)):
                self.of_unknown(place, (name for name in instance if name not in fields.known), unknown)
        else:
            self.of_shape(place, f"expected an object with {self._known()}")

    def of_rest(self, instances: list[Any], spellings: Spellings) -> None:
        """Count the problems of instances of which none is told.

        All at once, because an instance may have as little as two bytes, and a look at each costs fifty times that.

        Parameters
        ----------
        instances
            Instances as they were sent.
        spellings
            Names of the request.
        """
        fields = self._fields
        objects = [instance for instance in instances if isinstance(instance, dict)]
        spellings.read(chain.from_iterable(objects))
        objects = spellings.all_renamed(objects)
        names = [*chain.from_iterable(objects)]
        known = sum(map(fields.known.__contains__, names))
        self.total += len(instances) - len(objects) + len(objects) * len(fields.required) + len(names) - known
        if known:
            items = chain.from_iterable(map(dict.items, objects))
            self.total -= sum(map(fields.required.__contains__, names))
            self.total += sum(name in fields.features and not self._fits(name, value) for name, value in items)

    def of_positions(self, values: Any) -> None:
        """Note what is wrong with the values of an instance by position."""
        features = self._fields.features
        if isinstance(values, list) and len(values) <= len(features):
            places = {name: ("features", index) for index, name in enumerate(features)}
            self._of_fields(dict(zip(features, values, strict=False)), frozenset(features), places.__getitem__)
        else:
            self.of_shape(
                ("features",), f"expected {len(features)} values in this order: {self._known()}", "wrong_length"
            )

    def _of_fields(self, instance: dict[str, Any], required: frozenset[str], place_of: Callable[[str], Place]) -> None:
        features = self._fields.features
        wrong = {name for name in features.keys() & instance.keys() if not self._fields.holds(name, instance[name])}
        missing = len(required) - len(required.intersection(instance))
        if wrong or missing:
            names = (name for name in features if name in wrong or (name in required and name not in instance))
            self._note(len(wrong) + missing, names, lambda name: self._of_field(place_of(name), name, instance))

    def _note[Item](self, count: int, items: Iterable[Item], write: Callable[[Item], FieldProblem]) -> None:
        """Count problems, and write those of them that are told."""
        self.total += count
        self.problems += map(write, islice(items, min(count, MAX_PROBLEMS - len(self.problems))))

    def _fits(self, name: str, value: object) -> bool:
        """Whether a feature allows a value, as it is or as training reads it."""
        if self._fields.holds(name, value):
            return True
        cleaned = self._fields.cleaned(name, value)
        return cleaned is not value and self._fields.holds(name, cleaned)

    def _of_field(self, place: Place, name: str, instance: dict[str, Any]) -> FieldProblem:
        """The problem of a feature that is missing, or has a value that it does not allow."""
        feature = self._fields.features[name]
        if name not in instance:
            return _problem(place, "missing_field", f"missing: expected {feature.expectation}", name)
        found = fault(feature, instance[name]) or Fault("wrong_type", f"expected {feature.expectation}")
        return _problem(place, found.reason, found.message, name)

    def _sent_name(self, name: str, sent: dict[str, Any]) -> str:
        """The name that a feature has in an instance as it was sent."""
        column = self._fields.features[name].column
        return column if column is not None and column in sent and name not in sent else name

    def _of_name(self, place: Place, name: str) -> FieldProblem:
        """The problem of a name that an instance may not have, and that may be of any length."""
        if (known := self._fields.contract.known_name(name)) is not None:
            reason, message = "repeated_field", f"{known!r} is sent under two names: send one"
        else:
            self._suggestions += 1
            near = self._fields.names.nearest(name) if self._suggestions <= _MAX_SUGGESTIONS else None
            reason = "unknown_field"
            message = f"unknown field; did you mean {near!r}?" if near else f"unknown field; known are {self._known()}"
        pointer = _pointer((*place, name))
        if len(to_json(pointer)) > _MAX_FOREIGN_POINTER:
            pointer = _pointer(place)  # of the object that has it
        feature = known if known in self._fields.features else None
        return FieldProblem(_dotted((*place, name[:_MAX_FOREIGN_NAME])), reason, message, pointer, feature)

    def _known(self) -> str:
        return listed(list(self._fields.features))


def _problem(place: Place, reason: str, message: str, feature: str | None = None) -> FieldProblem:
    return FieldProblem(_dotted(place), reason, message, _pointer(place), feature)


def _dotted(place: Place) -> str:
    """Write a place as `instances[3].petal_width`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "body"


def _pointer(place: Place) -> str:
    """Write a place as a JSON pointer (RFC 6901), `/instances/3/petal_width`; the whole body is the empty one."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
