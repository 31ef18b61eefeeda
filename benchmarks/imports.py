"""What importing a handler costs, by package: `-X importtime`, the median of some runs.

The total is the time of the import statement, with the model's loading that it triggers. What threads import at the
same time overlaps, so packages may add up to more than the whole.
"""

import re
import subprocess
from collections import defaultdict
from statistics import median

from benchmarks.models import Model
from benchmarks.results import Imports
from benchmarks.services import Service, Services

_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_TOP = 12
_PROGRAM = """
import sys, time
started = time.perf_counter()
import {module}
sys.stderr.write(f"\\ntotal {{(time.perf_counter() - started) * 1000}}\\n")
"""


def measure(services: Services, service: Service, model: Model, *, runs: int) -> Imports:
    """Import a service's handler in fresh processes."""
    totals: list[float] = []
    packages: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        total, found = _run(services, service, model)
        totals.append(total)
        for name, milliseconds in found.items():
            packages[name].append(milliseconds)
    ranked = sorted(((median(times), name) for name, times in packages.items()), reverse=True)
    return Imports(total=median(totals), packages={name: round(time, 2) for time, name in ranked[:_TOP]})


def _run(services: Services, service: Service, model: Model) -> tuple[float, dict[str, float]]:
    module = service.handler.rpartition(".")[0]
    done = subprocess.run(
        [*services.python(), "-X", "importtime", "-c", _PROGRAM.format(module=module)],
        cwd=service.task_root,
        env=services.environment(service, model),
        capture_output=True,
        text=True,
        check=True,
    )
    packages: defaultdict[str, float] = defaultdict(float)
    for line in done.stderr.splitlines():
        if match := _LINE.match(line):
            packages[match[2].partition(".")[0]] += int(match[1]) / 1000
    total = re.search(r"^total ([0-9.]+)$", done.stderr, re.MULTILINE)
    assert total is not None, done.stderr
    return float(total[1]), packages
