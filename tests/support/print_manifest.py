"""Print the manifest that version 1 would have: `python -m tests.support.print_manifest model.yaml`."""

import sys
from pathlib import Path

from training.config import load_config
from training.job import train
from training.release.packaging import pack

if __name__ == "__main__":
    config = load_config(Path(sys.argv[1]))
    trained = train(config)
    sys.stdout.buffer.write(pack(trained).describe(1).to_bytes())
