"""Between tensors and a contract: which inputs and outputs a model has, rows of a request, and tensors of an answer."""

from collections.abc import Iterable
from typing import Any, assert_never

from inference.model import ScoredRequest, ServedModel
from inference.v2.messages import InferenceRequest
from inference.v2.tensors import InputTensor, OutputTensor
from skylift.contract import Contract, Instance
from skylift.feature import LARGEST_NUMBER, Feature
from skylift.http.errors import FieldProblem, InvalidInstance, InvalidTensors, TooManyInstances
from skylift.names import NearestNames, listed
from skylift.values import has_missing_number

_MAX_SHOWN = 60
_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "string": "BYTES"}
_OF_CLASSES = {bool: "BOOL", int: "INT64", str: "BYTES"}
_TEXT = {"content_type": "str"}  # what MLServer's codecs read texts by


def most_brackets(model: ServedModel) -> int:
    """The largest number of arrays and objects in a request: a column may have each of its values in an array."""
    columns = len(model.manifest.contract.features) + len(model.manifest.contract.ignored)
    return columns * (model.schema.max_instances + 8) + 100


def inputs_of(contract: Contract) -> list[dict[str, Any]]:
    """Description of the tensors that a model takes, one for each feature."""
    return [
        {"name": feature.name, "datatype": _datatype(feature), "shape": [-1], "parameters": _about(feature)}
        for feature in contract.features
    ]


def outputs_of(contract: Contract) -> list[dict[str, Any]]:
    """Description of the tensors that a model gives."""
    target = contract.target
    if contract.task == "regression":
        unit = {"unit": target.unit} if target.unit else {}
        outputs = [{"name": "predict", "datatype": "FP64", "shape": [-1], "parameters": unit}]
        if target.margins is not None:
            ends = {"level": target.margins.level} | unit
            outputs += [{"name": name, "datatype": "FP64", "shape": [-1], "parameters": ends} for name in _ENDS]
        return outputs
    classes = {"classes": [*target.classes]}
    datatype = _class_datatype(contract)
    return [
        {
            "name": "predict",
            "datatype": datatype,
            "shape": [-1],
            "parameters": classes | (_TEXT if datatype == "BYTES" else {}),
        },
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, len(target.classes)], "parameters": classes},
    ]


_ENDS = ("low", "high")


def instances(request: InferenceRequest, model: ServedModel) -> list[Instance]:
    """The valid instances of a request.

    Raises
    ------
    InvalidTensors
        The tensors are not columns of the contract, or contradict each other.
    InvalidInstance
        Inputs are missing or unknown, or values break the contract.
    TooManyInstances
        They have more rows than `max_instances`.
    """
    contract = model.manifest.contract
    if request.outputs is not None:
        _check_outputs(request.outputs, contract)
    rows = _row_count(request.inputs, model.schema.max_instances)
    single = request.inputs[0]
    if len(request.inputs) == 1 and contract.known_name(single.name) is None and _is_matrix(single, contract):
        columns, sent = _columns_of(single, contract), {}
    else:
        sent = _names(request.inputs, contract)
        features = {feature.name: feature for feature in contract.features}
        columns = {
            name: _column(features[name], tensor) if name in features else [None] * rows
            for name, tensor in sent.items()
        }
    names = tuple(columns)
    found = [dict(zip(names, row, strict=False)) for row in zip(*columns.values(), strict=True)]
    if all(_is_valid(feature, columns[feature.name]) for feature in contract.features if feature.name in columns):
        return found
    try:
        return model.schema.read(found)
    except InvalidInstance as refusal:
        told = tuple(_of_tensor(problem, sent, single) for problem in refusal.problems)
        raise InvalidInstance(told, refusal.total) from refusal


def outputs(scored: ScoredRequest, model: ServedModel, wanted: Iterable[str] | None) -> list[OutputTensor]:
    """The tensors of an answer.

    Parameters
    ----------
    wanted
        Names of the outputs in their order; None for all.
    """
    described = {output["name"]: output for output in outputs_of(model.manifest.contract)}
    rows = len(scored.predictions)
    return [
        OutputTensor(
            name,
            described[name]["datatype"],
            (rows, *described[name]["shape"][1:]),
            _values(name, scored, model.manifest.contract),
            described[name]["parameters"],
        )
        for name in (described if wanted is None else wanted)
    ]


def _values(name: str, scored: ScoredRequest, contract: Contract) -> Any:
    if name == "predict_proba" or (name == "predict" and contract.task == "regression"):
        return scored.scores
    if name in _ENDS:
        return [prediction[name] for prediction in scored.predictions]
    labels = [prediction["label"] for prediction in scored.predictions]
    if _class_datatype(contract) != "BYTES":
        return labels
    keys = dict(zip(contract.target.classes, contract.target.keys, strict=True))
    return [None if label is None else keys[label] for label in labels]  # type: ignore[index]


def _is_valid(feature: Feature, values: list[Any]) -> bool:
    """Whether each value of a column is valid for certain, by looks at all of it; the schema knows the others."""
    types = {*map(type, values)}
    match feature.kind:
        case "number":
            return types <= {float, int} and not has_missing_number(feature) and _are_in_range(values)
        case "integer":
            whole = types == {int} or (types == {float} and all(map(float.is_integer, values)))
            return whole and not has_missing_number(feature) and _are_in_range(values)
        case "boolean":
            return types == {bool}
        case "category":
            return types == {str} and feature.codes.keys() >= {*values}
        case "datetime" | "text":
            return False
        case _:
            assert_never(feature.kind)


def _are_in_range(values: list[Any]) -> bool:
    return bool(min(values) >= -LARGEST_NUMBER and max(values) <= LARGEST_NUMBER)


def _datatype(feature: Feature) -> str:
    return _DATATYPES[feature.json_type]


def _about(feature: Feature) -> dict[str, Any]:
    return {"required": feature.required, **(_TEXT if _datatype(feature) == "BYTES" else {})}


def _class_datatype(contract: Contract) -> str:
    types = {*map(type, contract.target.classes)}
    return _OF_CLASSES[types.pop()] if len(types) == 1 else "BYTES"


def _check_outputs(wanted: Iterable[str], contract: Contract) -> None:
    known = [output["name"] for output in outputs_of(contract)]
    for name in wanted:
        if name not in known:
            raise InvalidTensors(f"output {name[:_MAX_SHOWN]!r} is not known", f"there are: {', '.join(known)}")


def _row_count(tensors: tuple[InputTensor, ...], most: int) -> int:
    rows = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.shape[0] != rows:
            raise tensor.error(f"it has {tensor.shape[0]} rows, and {tensors[0].name[:_MAX_SHOWN]!r} has {rows}")
    if rows > most:
        raise TooManyInstances(f"{rows} rows, more than {most} in one request", "send them in several requests")
    if rows == 0:
        raise tensors[0].error("expected at least one row")
    return rows


def _is_matrix(tensor: InputTensor, contract: Contract) -> bool:
    """Whether a tensor of any name holds all features, in the order of the contract."""
    features = len(contract.features)
    return tensor.shape[1:] == (features,) or (features == 1 and len(tensor.shape) == 1)


def _columns_of(tensor: InputTensor, contract: Contract) -> dict[str, list[Any]]:
    values, width = tensor.values(), len(contract.features)
    return {
        feature.name: _as_kind(feature, tensor, values[place::width]) for place, feature in enumerate(contract.features)
    }


def _column(feature: Feature, tensor: InputTensor) -> list[Any]:
    if tensor.shape[1:] not in {(), (1,)}:
        raise tensor.error(f"expected one column, of shape [{tensor.shape[0]}] or [{tensor.shape[0]}, 1]")
    return _as_kind(feature, tensor, tensor.values())


def _as_kind(feature: Feature, tensor: InputTensor, values: list[Any]) -> list[Any]:
    """The values of a feature, booleans also from numbers, which have no other form in a tensor of numbers."""
    if feature.kind == "boolean" and tensor.is_numeric:
        return [bool(value) if value in (0, 1) else value for value in values]
    return values


def _names(tensors: tuple[InputTensor, ...], contract: Contract) -> dict[str, InputTensor]:
    """The tensors by the names of the contract.

    Raises
    ------
    InvalidInstance, InvalidTensors
    """
    found: dict[str, InputTensor] = {}
    unknown: list[str] = []
    for tensor in tensors:
        name = contract.known_name(tensor.name)
        if name is None:
            unknown.append(tensor.name)
        elif name in found:
            raise tensor.error("it is sent twice")
        else:
            found[name] = tensor
    missing = [feature for feature in contract.features if feature.required and feature.name not in found]
    if not unknown and not missing:
        return found
    names = [feature.name for feature in contract.features]
    if len(tensors) == 1 and unknown and len(tensors[0].shape) == 2:
        shape = f"[{tensors[0].shape[0]}, {len(names)}]"
        raise tensors[0].error(f"expected shape {shape} with the columns {listed(names)}, or one input for each")
    near = NearestNames(names)
    problems = [_unknown(name, near.nearest(name), names) for name in unknown[:_MAX_NAMED]]
    problems += [
        FieldProblem(
            f"input {feature.name!r}", "missing_field", f"missing: expected {feature.expectation}", "", feature.name
        )
        for feature in missing[:_MAX_NAMED]
    ]
    raise InvalidInstance(tuple(problems), len(unknown) + len(missing))


_MAX_NAMED = 10


def _unknown(name: str, near: str | None, names: list[str]) -> FieldProblem:
    message = f"unknown; did you mean {near!r}?" if near else f"unknown; known are {listed(names)}"
    return FieldProblem(f"input {name[:_MAX_SHOWN]!r}", "unknown_field", message)


def _of_tensor(problem: FieldProblem, sent: dict[str, InputTensor], matrix: InputTensor) -> FieldProblem:
    """The problem of a value, with the place that it has in the tensors: of `/instances/3/petal_width`."""
    row = problem.pointer.removeprefix("/instances/").partition("/")[0]
    name = problem.feature or ""
    tensor = sent.get(name, matrix)
    place = f"input {tensor.name[:_MAX_SHOWN]!r}, row {row}" + ("" if sent else f", column {name}")
    return FieldProblem(place, problem.reason, problem.message, feature=problem.feature)
