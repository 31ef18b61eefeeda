"""Print what no process may change: `python -m tests.support.print_products model.yaml FOLDER`."""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.references import sha256
from training.compile import fallback
from training.config import load_config
from training.data.prepare import prepare
from training.job import train
from training.release.packaging import pack

if __name__ == "__main__":
    config, folder = load_config(Path(sys.argv[1])), Path(sys.argv[2])
    trained = train(config)
    prepare(config.table, folder)
    small = Contract(
        task="classification", features=(Feature(name="x", kind="number"),), target=Target(name="y", classes=("a", "b"))
    )
    tree = DecisionTreeClassifier().fit(np.arange(6.0).reshape(-1, 1), [0, 0, 1, 1, 0, 1])
    converted = fallback.convert(tree, small, "float32")
    products = {
        "manifest": json.loads(pack(trained).describe(1).to_bytes()),
        "fallback": sha256(converted.SerializeToString(deterministic=True)),
        "prepared": {path.name: sha256(path.read_bytes()) for path in sorted(folder.iterdir())},
    }
    sys.stdout.write(json.dumps(products))
