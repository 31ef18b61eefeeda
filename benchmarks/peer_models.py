"""Peers of a default model, each fitted in a process of its own from the same file, on the same rows.

Their packages are in an environment of their own, which `make bench-models` makes of `peers/requirements.txt`.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skylift.contract import class_key
from skylift.scoring import Matrix
from training.data.table import Split, Table

PLAIN, SKRUB, FLAML = PEERS = ("plain", "skrub", "flaml")

_HERE = Path(__file__).parent
_PYTHON = _HERE.parent / "build" / "peers" / "bin" / "python"


@dataclass(frozen=True, slots=True, eq=False)
class PeerModel:
    """A fitted peer.

    Parameters
    ----------
    scores
        Scores of the holdout in the order of the contract's classes, `[n, classes]`, or values `[n]`.
    seconds
        Duration of its fit.
    row_microseconds
        Median time to predict one row of a data frame.
    """

    scores: Matrix
    seconds: float
    row_microseconds: float


def fit_peer(peer: str, file: Path, table: Table, split: Split, *, drop: Sequence[str] = ()) -> PeerModel:
    """Fit a peer.

    Parameters
    ----------
    file
        The raw table, of which `table` has every row.
    drop
        Columns that are left out.

    Raises
    ------
    CalledProcessError
        The peer cannot learn from the table; its `stderr` says why.
    """
    rows, answer = file.with_name("rows.json"), file.with_name(f"{peer}.npz")
    target = table.contract.target
    document = {
        "task": table.contract.task,
        "target": target.name,
        "drop": list(drop),
        "train": split.train.tolist(),
        "holdout": split.holdout.tolist(),
    }
    rows.write_text(json.dumps(document), encoding="utf-8")
    command: list[str | Path] = [_PYTHON, "-P", "-W", "ignore", _HERE / "peers" / "fit.py", peer, file, rows, answer]
    subprocess.run(command, check=True, capture_output=True, text=True)
    with np.load(answer) as found:
        scores = in_order(found["scores"], found["classes"].tolist(), [class_key(name) for name in target.classes])
        return PeerModel(scores, float(found["seconds"]), float(found["row_microseconds"]))


def in_order(scores: Matrix, classes: Sequence[str], wanted: Sequence[str]) -> Matrix:
    """Scores with their columns in another order of the classes; values as they are."""
    return scores[:, [classes.index(name) for name in wanted]] if wanted else scores
