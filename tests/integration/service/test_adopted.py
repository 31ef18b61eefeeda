"""A model that was trained elsewhere answers requests like any other."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.elsewhere import fitted, frame, one_hot, stored, words
from tests.support.tables import config_of, mixed
from tests.support.whole_service import standing
from training.job.adoption import adopt
from training.release.packaging import pack


@pytest.mark.parametrize(("make", "row"), [(lambda: fitted(one_hot()), 4), (words, 5)], ids=["compiled", "by a frame"])
def test_it_answers_as_it_did_where_it_was_trained(tmp_path: Path, make: Any, row: int) -> None:
    path, model = tmp_path / "table.csv", make()
    path.write_text(mixed())
    package = pack(adopt(config_of(path, target="churned"), stored(model, tmp_path), trusted=True))
    cells = frame().iloc[[row]].astype(object)
    instance = cells.iloc[0].drop("churned").dropna().to_dict()

    answer = standing(package, "table").predict({"instances": [instance]})

    assert answer.status_code == 200, answer.text
    expected = dict(zip(("no", "yes"), model.predict_proba(cells)[0], strict=True))
    assert answer.json()["predictions"][0]["probabilities"] == pytest.approx(expected, abs=1e-9)
