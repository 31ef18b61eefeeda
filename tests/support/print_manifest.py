"""Train by a `model.yaml` and write the manifest that version 1 would have: `python -m tests.support.print_manifest model.yaml`."""

import sys
from pathlib import Path

from training.config import load_config
from training.job import train
from training.packaging import pack

if __name__ == "__main__":
    config, digest = load_config(Path(sys.argv[1]))
    sys.stdout.buffer.write(pack(train(config), config_sha256=digest).describe(1).to_bytes())
