"""Fits a peer on a table, in an environment without this project's packages; see `benchmarks.peer_models`.

fit.py PEER TABLE ROWS ANSWER

`ROWS` is a JSON document: `{"task": ..., "target": ..., "drop": [...], "train": [...], "holdout": [...]}`, rows counted
from 0. `ANSWER` becomes an archive of numpy: `scores` of the holdout, float64 `[n, classes]` or `[n]`; `classes`, as
texts, in the order of the scores; `seconds` of the fit; `row_microseconds`, the median of one row.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

_SEED = 42
_FLAML_SECONDS = 30
_ONE_ROW_CALLS = 30

type Make = Callable[[str], Any]


def plain(task: str) -> Any:
    """Histogram boosting as scikit-learn has it, texts as codes."""
    boosting = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    encoding = make_column_transformer((codes, make_column_selector(dtype_exclude="number")), remainder="passthrough")
    return make_pipeline(encoding, boosting(random_state=_SEED))


def skrub(task: str) -> Any:
    """What skrub makes of any table."""
    from skrub import tabular_pipeline

    return tabular_pipeline("classifier" if task == "classification" else "regressor")


def flaml(task: str) -> Any:
    """What FLAML finds in half a minute."""
    from flaml import AutoML

    metric = "log_loss" if task == "classification" else "rmse"
    return AutoML(task=task, metric=metric, time_budget=_FLAML_SECONDS, seed=_SEED, verbose=0, n_jobs=-1)


PEERS: dict[str, Make] = {"plain": plain, "skrub": skrub, "flaml": flaml}


def measure(make: Make, table: pd.DataFrame, rows: dict[str, Any]) -> dict[str, Any]:
    """Fit on the training rows, score the holdout; what the archive holds."""
    features, targets = table.drop(columns=[rows["target"], *rows["drop"]]), table[rows["target"]]
    classifies = rows["task"] == "classification"
    estimator = make(rows["task"])
    started = time.perf_counter()
    estimator.fit(features.iloc[rows["train"]], targets.iloc[rows["train"]])
    seconds = time.perf_counter() - started
    score = estimator.predict_proba if classifies else estimator.predict
    held_out = features.iloc[rows["holdout"]]
    scores = np.asarray(score(held_out), dtype=np.float64)
    times = []
    for call in range(_ONE_ROW_CALLS):
        place = call % len(held_out)
        row = held_out.iloc[place : place + 1]
        started = time.perf_counter()
        score(row)
        times.append(time.perf_counter() - started)
    classes = [str(name) for name in estimator.classes_] if classifies else []
    return {"scores": scores, "classes": classes, "seconds": seconds, "row_microseconds": median(times) * 1e6}


def main() -> None:
    """Do what the arguments say."""
    peer, table, rows, answer = sys.argv[1:]
    found = measure(PEERS[peer], pd.read_csv(table), json.loads(Path(rows).read_text(encoding="utf-8")))
    np.savez(answer, **found)


if __name__ == "__main__":
    main()
