"""Run the benchmarks: `python -m benchmarks [--quick]`.

Writes `build/bench.json`, and tables and pictures to `build/benchmarks/`; prints the tables. Progress goes
to standard error. No tracked file changes: `python -m benchmarks.publish` is a step of its own.
"""

import argparse
import logging
import os
import platform
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import cold_start, dependencies, handler, imports, kinds, load, over_http
from benchmarks.cost import costs
from benchmarks.handler import Effort
from benchmarks.models import BOOSTING, FOREST, Model, Models
from benchmarks.plots import draw
from benchmarks.report import render
from benchmarks.results import BASELINE, FILE, SKYLIFT, Results
from benchmarks.services import Services
from benchmarks.targets import judge
from tests.support.moto_server import MotoServer

FOLDER = FILE.parent / "benchmarks"
_SIZES = (1, 100, 1000)
_VERSIONS = (
    "scikit-learn",
    "numpy",
    "onnxruntime",
    "fastapi",
    "pydantic",
    "mangum",
    "boto3",
    "uvicorn",
    "awslambdaric",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything.

    Parameters
    ----------
    starts
        Cold starts of each service and model.
    later
        Number of those starts after which memory is measured again, under requests.
    handler, kinds, batch, growth, latency
        Effort of the five timed measurements.
    loads, load_seconds
        Runs under load of each service and model.
    imports
        Runs of each service.
    trees, features
        Sizes to which models grow.
    """

    starts: int
    later: int
    handler: Effort
    kinds: Effort
    batch: Effort
    growth: Effort
    latency: Effort
    loads: int
    load_seconds: float
    imports: int
    trees: tuple[int, ...]
    features: tuple[int, ...]


FULL = Plan(
    starts=9,
    later=1,
    handler=Effort(15, 0.4, 40),
    kinds=Effort(15, 0.4, 40),
    batch=Effort(9, 0.2, 5),
    growth=Effort(7, 0.2, 7),
    latency=Effort(11, 0.5, 30),
    loads=3,
    load_seconds=5,
    imports=5,
    trees=(10, 100, 300, 1000),
    features=(4, 40, 400),
)
QUICK = Plan(
    starts=3,
    later=1,
    handler=Effort(3, 0.1, 10),
    kinds=Effort(3, 0.1, 10),
    batch=Effort(3, 0.05, 3),
    growth=Effort(3, 0.05, 3),
    latency=Effort(3, 0.1, 10),
    loads=1,
    load_seconds=1,
    imports=1,
    trees=(10, 300),
    features=(4, 400),
)


class Progress:
    """Says on standard error what is measured now."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, words: str) -> None:
        """Say it."""
        sys.stderr.write(f"[{time.monotonic() - self._started:4.0f} s] {words}\n")


def run(plan: Plan, *, quick: bool, progress: Progress) -> Results:
    """Measure everything."""
    results = Results(
        date=datetime.now(UTC).replace(microsecond=0),
        quick=quick,
        machine=_machine(),
        versions={"Python": platform.python_version(), **{name: version(name) for name in _VERSIONS}},
        load_generator=load.generator(),
    )
    with TemporaryDirectory(prefix="benchmarks-") as name, MotoServer() as aws:
        folder = Path(name)
        models = Models(aws, folder)
        services = Services(folder, aws, models)
        progress("publishing the two models")
        forest, logistic = models.forest(100), models.logistic()
        for model in (forest, logistic):
            models.bake(model, services.image_cache)
            models.challenge(model)
            _measure(results, plan, services, model, progress)
        progress("boosting")
        boosted, pair = models.boosting(100), (services.skylift, services.baseline)
        results.cold_start[BOOSTING], results.memory_first[BOOSTING], results.memory_later[BOOSTING] = (
            cold_start.measure(services, pair, boosted, rounds=plan.starts, later_rounds=plan.later)
        )
        results.handler[BOOSTING] = handler.measure(services, pair, boosted, [1], plan.handler)[1]
        progress("dates and texts")
        results.kinds = kinds.measure(services, models, plan.kinds)
        results.imports = {
            service.name: imports.measure(services, service, forest, runs=plan.imports)
            for service in (services.skylift, services.baseline)
        }
        for trees in plan.trees:
            progress(f"growth: {trees} trees")
            model = models.forest(trees) if trees != 100 else forest
            results.trees[trees] = handler.measure(services, pair, model, [1], plan.growth)[1]
        for features in plan.features:
            progress(f"growth: {features} features")
            wide = models.wide(features)
            results.features[features] = handler.measure(services, pair, wide, [1], plan.growth)[1]
    results.sizes = {
        f"{SKYLIFT}, compiled path": dependencies.sizes(dependencies.compiled_roots()),
        f"{SKYLIFT}, with the fallback": dependencies.sizes(dependencies.skylift_roots()),
        BASELINE: dependencies.sizes(dependencies.BASELINE_ROOTS),
    }
    for name, batch in results.batch.items():
        results.cost += costs(name, {size: batch[size] for size in (1, 1000)})
    results.targets = judge(results)
    return results


def _measure(results: Results, plan: Plan, services: Services, model: Model, progress: Progress) -> None:
    """Measure one of the two models; the floors next to the forest."""
    name = model.name
    pair = [services.skylift, services.baseline]
    floors = [services.empty_route, services.empty_handler] if name == FOREST else []
    progress(f"cold starts and memory: {name}")
    results.cold_start[name], results.memory_first[name], results.memory_later[name] = cold_start.measure(
        services, [*pair, services.baked, *floors], model, rounds=plan.starts, later_rounds=plan.later
    )
    progress(f"one row in the handler: {name}")
    results.handler[name] = handler.measure(services, [*pair, services.shadow, *floors], model, [1], plan.handler)[1]
    progress(f"many instances in the handler: {name}")
    results.batch[name] = handler.per_instance(handler.measure(services, pair, model, _SIZES, plan.batch))
    progress(f"over HTTP: {name}")
    results.http[name], results.throughput[name] = over_http.measure(
        services, [*pair, *floors[:1]], model, plan.latency, rounds=plan.loads, seconds=plan.load_seconds
    )


def _machine() -> dict[str, str]:
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in information if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory_gib": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f}",
        "kernel": platform.release(),
        "load_average_before": f"{os.getloadavg()[0]:.2f}",
    }


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare with a plain service.")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures are rough")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    progress = Progress()
    results = run(QUICK if arguments.quick else FULL, quick=arguments.quick, progress=progress)
    results.write()
    tables = render(results)
    sys.stdout.write(tables)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "figures.md").write_text(tables, encoding="utf-8")
    draw(results, FOLDER)
    progress("wrote build/bench.json and build/benchmarks/")


if __name__ == "__main__":
    main()
