"""The descriptions that botocore reads instead of its own: the same, but for what nobody calls."""

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from skylift.aws import cloudformation_client
from tools.botocore_data import FOLDER, OPERATIONS, as_json, cut_down


def own(service: str) -> ServiceModel:
    """What a client of ours reads."""
    return ServiceModel(Loader(extra_search_paths=[str(FOLDER)]).load_service_model(service, "service-2"), service)


def botocores(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def test_the_files_are_those_of_the_installed_botocore() -> None:
    stored = {
        str(file.relative_to(FOLDER).with_suffix("")): file.read_text(encoding="utf-8")
        for file in FOLDER.rglob("*.json")
    }

    assert stored == {path: as_json(document) for path, document in cut_down().items()}, (
        "run `python -m tools.botocore_data`"
    )


@pytest.mark.parametrize("service", OPERATIONS)
def test_they_hold_the_operations_that_are_called_and_no_others(service: str) -> None:
    assert own(service).operation_names == sorted(OPERATIONS[service])


@pytest.mark.parametrize(
    ("service", "operation"), [(service, name) for service, names in OPERATIONS.items() for name in names]
)
def test_an_operation_is_called_and_answered_as_botocore_describes_it(service: str, operation: str) -> None:
    ours, theirs = (model.operation_model(operation) for model in (own(service), botocores(service)))

    assert outline(ours.input_shape) == outline(theirs.input_shape)
    assert outline(ours.output_shape) == outline(theirs.output_shape)
    assert [shape.name for shape in ours.error_shapes] == [shape.name for shape in theirs.error_shapes]
    assert (ours.http, ours.http_checksum, ours.auth_type) == (theirs.http, theirs.http_checksum, theirs.auth_type)


@pytest.mark.parametrize("service", OPERATIONS)
def test_everything_else_about_a_service_is_botocores(service: str) -> None:
    ours, theirs = own(service), botocores(service)

    assert dict(ours.metadata) == dict(theirs.metadata)
    assert ours.client_context_parameters == theirs.client_context_parameters


def test_a_service_that_is_not_cut_down_is_botocores() -> None:
    assert cloudformation_client().meta.service_model.operation_names == botocores("cloudformation").operation_names


def outline(shape: Any, seen: tuple[str, ...] = ()) -> Any:
    """A shape without its prose, down to its leaves; a shape within itself by name."""
    if shape is None or shape.name in seen:
        return getattr(shape, "name", None)
    inner = (*seen, shape.name)
    children: dict[str, Any] = dict(getattr(shape, "members", {}))
    children |= {name: part for name in ("member", "key", "value") if (part := getattr(shape, name, None)) is not None}
    return shape.type_name, shape.serialization, {name: outline(child, inner) for name, child in children.items()}
