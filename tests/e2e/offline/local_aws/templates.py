"""Templates: SAM's transform."""

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform as sam

type Document = dict[str, Any]


def transform_with_parameters() -> None:
    """Let SAM see the values of parameters, as CloudFormation's macros do, and not the defaults only."""
    values: ContextVar[Document] = ContextVar("values")
    apply, transform = engine._apply_transforms, sam.transform

    def applied(template: Document, provided: Any = None, previous: Any = None) -> Any:
        values.set(engine._transform_parameters(template, provided, previous))
        return apply(template, provided, previous)

    def transformed(template: Document, _: Document, policies: Any) -> Any:
        return transform(template, values.get({}), policies)

    for module in (changesets, handlers):
        module._apply_transforms = applied
    sam.transform = transformed
