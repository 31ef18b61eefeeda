"""Plain boosting reads a table as it is: gaps, texts, and texts it has never seen."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.peers import fit


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_plain_boosting_scores_the_holdout(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "_ONE_ROW_CALLS", 2)
    random = np.random.default_rng(1)
    table = pd.DataFrame({"a": random.normal(size=60), "b": ["x", "y", None] * 20, "group": range(60)})
    table.loc[3, "a"] = np.nan
    table.loc[59, "b"] = "new"
    table["y"] = ["no", "yes"] * 30 if task == "classification" else random.normal(size=60)
    rows = {"task": task, "target": "y", "drop": ["group"], "train": list(range(50)), "holdout": list(range(50, 60))}

    found = fit.measure(fit.plain, table, rows)

    assert found["classes"] == (["no", "yes"] if task == "classification" else [])
    assert found["scores"].shape == ((10, 2) if task == "classification" else (10,))
    assert np.isfinite(found["scores"]).all()
    assert min(found["seconds"], found["row_microseconds"]) > 0
