"""What a refusal costs beside an answer of the same size: `python -m benchmarks.refusals [--publish]`.

Each body is sent to `/predict` in a process of its own, which has imported the service and loaded a model of constant
answers. Measured are the processor time of the request and the peak memory of the process. Prints a table and writes it
to `build/benchmarks/refusals.md`, or to `docs/benchmarks/refusals.md` to publish it.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.pages import write_page
from inference.answering import Answering
from inference.capacity import most_instances
from inference.host import ModelHost
from inference.model import ServedModel
from inference.predict import PATH, Predict
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.manifest import Manifest
from skylift.references import Reference
from skylift.scoring import Matrix
from tests.support.refused_bodies import KINDS, valid

ROOT = Path(__file__).parents[1]
BYTES = {"100 kB": 100_000, "6 MB": 6_000_000}
FEATURES = (4, 400, 2000)
VALID = "a valid body"
COSTLY = (
    *("nested", "a_thousand_empty_objects", "zeros"),
    *("unknown_names", "unknown_names_in_instances", "unknown_names_in_one_instance"),
    *("misspelt_names", "names_but_for_blanks", "combining_marks", "wrong_values", "last_value_wrong"),
)
"""The kinds of bodies that cost most."""

_KIB_PER_MIB = 1024


class Constant:
    """A model that gives all rows the same answer."""

    def scores(self, rows: Matrix) -> Matrix:
        """Zeros, float64 `[n]`."""
        return np.zeros(len(rows))


class Host(ModelHost):
    """Holds one model and reads no registry."""

    def __init__(self, model: ServedModel) -> None:
        self.model = model

    async def current(self) -> ServedModel:
        """The model."""
        assert self.model is not None
        return self.model

    @property
    def problem(self) -> None:
        """None: nothing goes wrong with it."""

    @property
    def trial(self) -> None:
        """None: no other version is on trial."""


def names_of(count: int) -> list[str]:
    """Names of so many features."""
    return [f"feature_{number:04d}" for number in range(count)]


def ask(features: int, body: bytes, *, answered: bool) -> dict[str, float]:
    """Status, milliseconds of processor time and peak MiB of one request to a new service.

    Parameters
    ----------
    answered
        Whether the service takes as many instances as can be answered, instead of a thousand.
    """
    columns = tuple(Feature(name=name, kind="number", min=0, max=9) for name in names_of(features))
    contract = Contract(task="regression", features=columns, target=Target(name="y"))
    most = most_instances(contract) if answered else 1000
    told: dict[str, Any] = {"model": "constant", "contract": contract}
    manifest = Manifest.model_construct(**told)
    reference = Reference(1, "0" * 64)
    model = ServedModel.of(reference, manifest, Constant(), max_instances=most, loaded_at=datetime.now(UTC))
    app, status = Predict(Answering(Host(model))), 0
    scope: Any = {"type": "http", "method": "POST", "path": PATH, "headers": [(b"content-type", b"application/json")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    started = time.process_time()
    asyncio.run(app(scope, receive, send))
    milliseconds = (time.process_time() - started) * 1000
    return {"status": status, "milliseconds": milliseconds, "mib": _peak_mib()}


def _peak_mib() -> float:
    """Peak memory of this process in MiB; `resource` would tell that of its parent where that is larger."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / _KIB_PER_MIB


def measured(features: int, body: bytes, *, answered: bool) -> dict[str, float]:
    """The same in a process of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        path.write_bytes(body)
        command = [sys.executable, "-m", "benchmarks.refusals", "--body", str(path), "--features", str(features)]
        output = subprocess.run([*command, *["--answered"] * answered], cwd=ROOT, check=True, capture_output=True)
    figures: dict[str, float] = json.loads(output.stdout)
    return figures


def tables() -> str:
    """Measure everything."""
    from benchmarks.report import table  # not at the top: it imports what would count as memory of the service

    sections = []
    for words, size in BYTES.items():
        rows = []
        for kind in [VALID, *COSTLY]:
            cells = []
            for features in FEATURES:
                names = names_of(features)
                body = valid(names, size) if kind == VALID else KINDS[kind](names, size)
                figures = measured(features, body, answered=kind == VALID)
                cells += [f"{figures['status']:.0f}", f"{figures['milliseconds']:,.1f}", f"{figures['mib']:,.0f}"]
            rows.append([kind.replace("_", " "), *cells])
            sys.stderr.write(f"{words}, {kind}\n")
        header = [words, *(f"{name} {count:,}" for count in FEATURES for name in ("status", "ms", "MiB"))]
        sections.append(table(header, rows))
    return f"{datetime.now(UTC):%Y-%m-%d}\n\n" + "\n\n".join(sections) + "\n"


def main() -> None:
    """Measure all bodies, or answer one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refusals", description="What a refusal costs.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/refusals.md")
    parser.add_argument("--body", type=Path, help="file of one body, to measure in this process")
    parser.add_argument("--features", type=int, default=FEATURES[0])
    parser.add_argument("--answered", action="store_true", help="take as many instances as can be answered")
    arguments = parser.parse_args()
    if arguments.body:
        figures = ask(arguments.features, arguments.body.read_bytes(), answered=arguments.answered)
        sys.stdout.write(json.dumps(figures))
        return
    found = tables()
    write_page("refusals", found, publish=arguments.publish)


if __name__ == "__main__":
    main()
