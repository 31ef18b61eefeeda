"""What is told of rows that were not answered, a line of JSON for each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic_core import to_json

from skylift.bulk.batch import Batch, Broken
from skylift.bulk.columns import FieldFault
from skylift.bulk.sources import Source

_SHOWN = 200
_ENOUGH = 20


def rejected_lines(source: Source, batch: Batch, refused: Mapping[int, Sequence[FieldFault]]) -> Iterator[bytes]:
    """The rejected rows of a batch in the order of the file: where each is, what is wrong, and what it holds."""
    rows: list[tuple[int, int | Broken]] = [(row.row, row) for row in batch.broken]
    rows += zip(batch.numbers[list(refused)].tolist(), refused, strict=True)
    for number, row in sorted(rows, key=lambda found: found[0]):
        told = _of_broken(row) if isinstance(row, Broken) else _of_refused(batch.kept, row, refused[row])
        yield to_json({"file": source.name, "row": number, **told}, inf_nan_mode="strings") + b"\n"


def _of_broken(row: Broken) -> dict[str, Any]:
    return {"reasons": [{"reason": row.reason, "message": row.message}], "text": row.text}


def _of_refused(kept: Any, place: int, faults: Sequence[FieldFault]) -> dict[str, Any]:
    reasons = [
        {"field": fault.field, "reason": fault.reason, "message": fault.message} for fault in islice(faults, _ENOUGH)
    ]
    if isinstance(kept, list):
        values = kept[place]
    else:
        values = {name: _cell(column.slice(place, 1)) for name, column in zip(kept.schema.names, kept, strict=True)}
    return {"reasons": reasons, "values": {name: _short(value) for name, value in values.items()}}


def _cell(cell: Any) -> Any:
    """A cell as JSON has it, and as Arrow writes it where it has none, or Python has no such time."""
    from pyarrow import types

    kind = cell.type.value_type if types.is_dictionary(cell.type) else cell.type
    if types.is_primitive(kind) and not types.is_temporal(kind):
        return cell[0].as_py()
    if types.is_null(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return cell[0].as_py()
    return " ".join(cell.to_string().split())[1:-1].strip() if cell[0].is_valid else None


def _short(value: Any) -> Any:
    return f"{value[:_SHOWN]}..." if isinstance(value, str) and len(value) > _SHOWN else value
