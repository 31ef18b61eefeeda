"""What is told of rows that were not answered, a line of JSON for each."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from skylift.bulk.batches import Batch
from skylift.bulk.columns import FieldFault
from skylift.bulk.sources import Source

_SHOWN = 200
_ENOUGH = 20


def rejected_lines(source: Source, batch: Batch, refused: Mapping[int, list[FieldFault]]) -> list[bytes]:
    """The rejected rows of a batch in the order of the file: where each is, what is wrong, and what it holds."""
    found: dict[int, dict[str, Any]] = {}
    for row in batch.broken:
        reason = {"reason": row.reason, "message": row.message}
        found[row.row] = {"reasons": [reason], "text": row.text}
    for place, faults in refused.items():
        reasons = [
            {"field": fault.field, "reason": fault.reason, "message": fault.message} for fault in faults[:_ENOUGH]
        ]
        found[int(batch.numbers[place])] = {"reasons": reasons, "values": _values(batch.kept, place)}
    return [
        to_json({"file": source.name, "row": row, **found[row]}, inf_nan_mode="strings", fallback=str)
        for row in sorted(found)
    ]


def _values(kept: Any, place: int) -> dict[str, Any]:
    """The values of a row as they were read, long texts cut."""
    row = kept[place] if isinstance(kept, list) else kept.slice(place, 1).to_pylist()[0]
    return {
        name: f"{value[:_SHOWN]}..." if isinstance(value, str) and len(value) > _SHOWN else _written(value)
        for name, value in row.items()
    }


def _written(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value
