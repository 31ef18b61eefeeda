"""The candidates that `model.yaml` names: estimators, and those within them."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from training.config.search_space import SearchSpec
from training.config.table import Section

ENSEMBLE = "ensemble"
"""Name of the average of candidates on the leaderboard."""

ImportPath = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][\w.]*\.[A-Za-z_]\w*$",
        json_schema_extra={"words": "the import path of a class, such as sklearn.svm.SVC"},
    ),
]


_ONE, _SOME, _OTHER = "(estimator)", "(estimators)", "(value)"
"""Forms of a parameter; no key is called so, since places of faults have them too."""


def _form(value: object) -> str:
    if isinstance(value, Nested) or (isinstance(value, dict) and "estimator" in value):
        return _ONE
    return _SOME if isinstance(value, list) and any(_form(item) == _ONE for item in value) else _OTHER


def _described(schema: dict[str, Any]) -> None:
    """Any value is one of the forms, and may be of two of them."""
    schema["anyOf"] = schema.pop("oneOf")
    schema["words"] = "a value, an estimator with its params, or a list of them"


type Param = Annotated[
    Annotated[Nested, Tag(_ONE)] | Annotated[list[Param], Tag(_SOME)] | Annotated[Any, Tag(_OTHER)],
    Discriminator(_form),
    Field(json_schema_extra=_described),
]
"""A parameter of an estimator."""


class Nested(Section):
    """An estimator that another one takes as a parameter.

    Parameters
    ----------
    name
        Name among its neighbours, where it is one of a list; the name of its class in small letters if absent.
    estimator
        Import path of its class.
    params
        Fixed parameters of the estimator.
    """

    name: str | None = None
    estimator: ImportPath
    params: dict[str, Param] = Field(default_factory=dict)

    def __str__(self) -> str:
        params = ", ".join(f"{name}={in_words(value)}" for name, value in self.params.items())
        return f"{self.estimator.rpartition('.')[2]}({params})"


class Candidate(Section):
    """An estimator to try.

    Parameters
    ----------
    name
        Name on the leaderboard.
    estimator
        Import path of a class of scikit-learn, of another library that keeps to its rules, or of a module beside
        `model.yaml`.
    params
        Fixed parameters of the estimator; other estimators among them.
    search
        Parameters to try, and how; `a__b` is the parameter `b` of the estimator `a` within it.
    scale
        Whether numbers are standardised first; if absent, for all estimators but trees.
    """

    name: str
    estimator: ImportPath
    params: dict[str, Param] = Field(default_factory=dict)
    search: SearchSpec | None = None
    scale: bool | None = None


def in_words(value: Any) -> Any:
    """A parameter as a leaderboard shows it: numbers, texts and lists of them as they are, estimators in words."""
    if isinstance(value, list):
        return [str(item) if isinstance(item, list) else in_words(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
