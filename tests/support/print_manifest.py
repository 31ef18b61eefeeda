"""Print the manifest that version 1 would have: `python -m tests.support.print_manifest model.yaml`."""

import sys
from pathlib import Path

from training.config import load_config
from training.job import train
from training.release.compile import compile_model, parity_rows
from training.release.packaging import pack

if __name__ == "__main__":
    config = load_config(Path(sys.argv[1]))
    trained = train(config)
    rows = parity_rows(trained.estimator, trained.table, trained.split)
    compiled = compile_model(trained.estimator, trained.table.contract, rows)
    sys.stdout.buffer.write(pack(trained, compiled).describe(1).to_bytes())
