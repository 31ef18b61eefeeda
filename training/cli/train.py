"""What `skylift train` and `skylift up` do: train, compile, publish and track, with progress, and Ctrl-C heard."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from skylift.errors import GateFailed
from skylift.registry import Registry
from skylift.verification import Version
from training.cli.console import err, facts, leaderboard_table, warn
from training.cli.progress import Display, progressing
from training.config import ModelConfig
from training.tracking.tracker import Tracker

if TYPE_CHECKING:
    from training.cli.traffic import Traffic
    from training.job import Trained
    from training.release.packaging import Package
    from training.search.fitting import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How to train, beside what `model.yaml` says.

    Parameters
    ----------
    prepared
        Folder of prepared files, to read instead of the raw table.
    dask
        Address of a Dask scheduler, or `local`; the local cores without Dask if absent.
    stop
        Set by the first Ctrl-C: the search ends with the best so far.
    retraining
        Id of the retraining that it is part of; None for none.
    """

    prepared: Path | None = None
    dask: str | None = None
    stop: Event | None = None
    retraining: str | None = None


def train_and_publish(
    config: ModelConfig,
    registry: Registry,
    work: Work,
    tracker: Tracker | None = None,
    *,
    judged: "Callable[[Trained], None]" = lambda _: None,
    traffic: "Traffic | None" = None,
) -> Version:
    """Train, publish and track, with progress on stderr.

    Parameters
    ----------
    judged
        Function that is told of the model before its gates decide.
    traffic
        Newest labelled traffic, on which the model must not be much worse than the active version either.

    Raises
    ------
    GateFailed
        The model is not good enough; nothing was published.
    """
    started = datetime.now(UTC)
    trained = trained_by(config, work, registry)
    if traffic is not None:
        trained = _on_traffic(trained, registry, traffic)
    judged(trained)
    return publish(trained, registry, tracker, started=started, retraining=work.retraining)


def publish(
    trained: "Trained",
    registry: Registry,
    tracker: Tracker | None = None,
    *,
    started: datetime,
    retraining: str | None = None,
) -> Version:
    """Publish and track a model, with progress on stderr.

    Parameters
    ----------
    started
        Moment at which its training started.
    retraining
        Id of the retraining that it is part of; None for none.

    Raises
    ------
    GateFailed
        The model is not good enough; nothing was published.
    """
    from training.cli.evaluation_tables import evaluation_tables
    from training.release.git import git_state

    tracker = tracker or Tracker(None, registry.active, warn)
    config = trained.config
    try:
        trained.check_gates()
    except GateFailed:
        err.print(leaderboard_table(trained))
        for part in evaluation_tables(trained.evaluation):
            err.print(part)
        err.print(facts(("note", note) for note in trained.notes))
        tracker.record(trained, None, {}, started=started)
        raise
    package = packed(trained, state=git_state(config.folder), retraining=retraining)
    with progressing() as progress:
        progress("publishing")
        version = registry.publish(package.describe, package.artifacts)
        if tracker.on:
            progress("tracking")
            tracker.record(trained, version, package.artifacts, started=started)
    return version


def _on_traffic(trained: "Trained", registry: Registry, traffic: "Traffic") -> "Trained":
    """A trained model with one more gate, or a note of why labelled traffic is none."""
    from training.evaluation.champion import load_active
    from training.evaluation.traffic import traffic_gate

    champion = load_active(registry)
    if champion is None or champion.version is None:
        return trained
    rows = traffic(trained.table.contract, champion.version.manifest.contract)
    if not rows:
        return trained
    config = trained.config
    gate = traffic_gate(
        rows,
        champion,
        trained.table,
        config.split,
        trained.compiled.predictor,
        metric=trained.select_by,
        max_regression=config.gates.max_regression,
    )
    if isinstance(gate, str):
        return replace(trained, notes=(*trained.notes, gate))
    return replace(trained, gates=(*trained.gates, gate))


def trained_by(config: ModelConfig, work: Work, registry: Registry | None = None) -> "Trained":
    """Train, with progress on stderr; compared with the active version if there is a registry."""
    from training.evaluation.champion import load_active
    from training.job import train as run_training

    with ExitStack() as stack:
        runner = stack.enter_context(_dask_runner(work.dask)) if work.dask else None
        display = stack.enter_context(Display(err, "starting"))
        return _interruptible(
            lambda: run_training(
                config,
                prepared=work.prepared,
                progress=display.step,
                watch=display.watch,
                stop=work.stop,
                runner=runner,
                champion=load_active(registry) if registry else None,
            ),
            stop=work.stop,
            can_stop=lambda: display.can_stop,
        )


def packed(trained: "Trained", **options: Any) -> "Package":
    """Pack a trained model, with progress on stderr; see `training.release.packaging.pack`."""
    from training.release.packaging import pack

    with progressing() as progress:
        progress("packing")
        return pack(trained, **options)


@contextmanager
def _dask_runner(address: str) -> "Iterator[Runner]":
    from training.search.dask_cluster import dask_runner
    from training.search.processes import deaf_to_interrupts

    with ExitStack() as stack:
        with err.status(f"connecting to Dask at {address}"), deaf_to_interrupts():
            runner = stack.enter_context(dask_runner(address))
        yield runner


def _interruptible[T](
    work: Callable[[], T], *, stop: Event | None = None, can_stop: Callable[[], bool] = lambda: False
) -> T:
    """Do work in a thread of its own: this one then hears signals also while compiled code runs for minutes.

    Parameters
    ----------
    stop
        Event that the first Ctrl-C sets; None if the work cannot stop early.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 (raised again where the work is waited for)
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    while True:
        try:
            return done.result()
        except KeyboardInterrupt:
            if stop is None or stop.is_set() or done.done() or not can_stop():
                raise
            stop.set()
            err.print(
                "Stopping the search; continuing with the best candidate so far. Ctrl-C again stops everything.",
                markup=False,
            )
