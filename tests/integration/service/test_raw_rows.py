"""The rows of each kind of table, as they are, are answered by the model that was trained on it."""

from pathlib import Path

import pytest

from tests.support.models import uncompiled
from tests.support.raw_tables import RAW_TABLES
from tests.support.whole_service import Service
from training.job import train
from training.release.packaging import pack


@pytest.mark.parametrize("kind", RAW_TABLES)
def test_every_raw_row_is_answered(tmp_path: Path, service: Service, kind: str) -> None:
    raw = RAW_TABLES[kind]
    trained = train(raw.config(tmp_path).model_copy(update={"model": service.model}))
    service.set_pointer(str(service.publish(pack(uncompiled(trained)))))  # no gate: few rows teach little
    rows = [row for number, row in enumerate(raw.as_written) if number not in raw.left_out]

    response = service.client.predict({"instances": rows})

    assert response.status_code == 200, response.text
    answer = response.json()
    assert len(answer["predictions"]) == len(rows)
    ignored, *others = [warning["message"] for warning in answer["warnings"]]
    assert ignored.startswith("not used by the model: ")
    assert raw.target_in_file in ignored
    assert all(message.startswith(raw.remarks) for message in others), others
    assert all(any(message.startswith(remark) for message in others) for remark in raw.remarks)
