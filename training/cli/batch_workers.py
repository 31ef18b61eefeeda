"""Runs the parts of a table: in this process, in one for each core, or on a Dask cluster."""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from threading import Thread
from typing import TYPE_CHECKING, Any

from skylift.bulk.parquet_rows import reading_bytes
from skylift.bulk.part import PartResult, run_part
from skylift.bulk.places import place_of
from skylift.bulk.plan import Part
from skylift.bulk.scoring import BulkModel
from skylift.bulk.sources import Source
from skylift.errors import AwsThrottled, DataError
from skylift.memory import growth_bytes, memory_there_is

if TYPE_CHECKING:
    from distributed import Worker

_WORKER_BYTES = 256 * 2**20
"""Memory of a process that scores, without its model: measured, see docs/benchmarks/batch.md."""

_PAUSES = (2.0, 8.0, 20.0)
_NEEDED_ALIKE = ("onnxruntime", "pyarrow")
_TRIES = 3
_PLUGIN = "skylift-batch"


class Scorer:
    """Runs parts of one run, wherever it was sent to.

    Parameters
    ----------
    model
        Version that scores.
    run
        Run that they are of.
    output
        Address of the place that they are written to.
    """

    def __init__(self, model: BulkModel, run: str, output: str) -> None:
        self.model, self.run, self.output = model, run, output

    def __call__(self, part: Part) -> PartResult:
        """Run a part, again where S3 takes no more requests for a while; see `run_part`."""
        for seconds in _PAUSES:
            try:
                return self._run(part)
            except AwsThrottled:
                time.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311 (spreads load)
        return self._run(part)

    def _run(self, part: Part) -> PartResult:
        try:
            return run_part(part, self.model, place_of(self.output), self.run)
        except MemoryError as error:
            hint = "take fewer --workers, or a machine with more: the same command does the rest"
            raise DataError(f"memory ran out in part {part.name}", hint) from error


def workers_that_fit(model: BulkModel, source: Source) -> int:
    """How many processes may score files like one beside this one before memory is short; one at least."""
    there_is = memory_there_is()
    if there_is is None:
        return sys.maxsize
    reading = reading_bytes(source) if source.form == "parquet" else 0
    return max(there_is // (_WORKER_BYTES + growth_bytes(model.manifest) + reading) - 1, 1)


def run_here(parts: Iterable[Part], scorer: Scorer) -> Iterator[PartResult]:
    """Run parts one after another in this process."""
    return map(scorer, parts)


_scorer: Scorer | None = None


def run_in_processes(parts: Sequence[Part], scorer: Scorer, workers: int) -> Iterator[PartResult]:
    """Run parts in processes of their own, each with one thread.

    Each is a new process: a copy of one that has scored would wait for threads that it does not have.

    Raises
    ------
    DataError
        A process was killed.
    """
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(scorer,)
    )
    try:
        for done in as_completed([pool.submit(_run, part) for part in parts]):
            yield done.result()
    except BrokenProcessPool as error:
        hint = "it may have been out of memory: fewer --workers; the same command goes on"
        raise DataError("a process that scored was ended by the system", hint) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(scorer: Scorer) -> None:
    """Keep what runs parts in this process, which ends when the one that started it is killed."""
    global _scorer  # noqa: PLW0603 (what an initializer leaves for the calls of its process)
    _scorer = scorer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all, and the first process ends the others
    _limit_threads()
    Thread(target=_end_with_parent, daemon=True).start()


def _run(part: Part) -> PartResult:
    if _scorer is None:
        raise RuntimeError("the process has not begun")
    return _scorer(part)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _limit_threads() -> None:
    """One thread for each process: those of all libraries together would wait for each other."""
    import pyarrow as pa
    from threadpoolctl import threadpool_limits

    pa.set_cpu_count(1)
    threadpool_limits(1)


def run_on_dask(parts: Sequence[Part], scorer: Scorer, address: str) -> Iterator[PartResult]:
    """Run parts on a cluster, whose workers reach the files by the same addresses.

    A part whose worker dies is run by another one, and written over: it has the same names.

    Parameters
    ----------
    address
        Address of the scheduler, or `local`; see `connected`.

    Raises
    ------
    ConfigError
        There is no such cluster, or its workers do not fit.
    """
    from training.search.dask_cluster import connected  # scikit-learn, which scoring by trees does without

    with connected(address, *_NEEDED_ALIKE) as client:
        from distributed import WorkerPlugin
        from distributed import as_completed as completed

        class Begin(WorkerPlugin):
            """Gives the scorer to every worker, also to one that joins later."""

            name = _PLUGIN

            def setup(self, worker: "Worker") -> None:
                """Keep it."""
                vars(worker)[_PLUGIN] = scorer

        client.register_plugin(Begin())
        futures = [client.submit(_run_on_worker, part, pure=False, retries=_TRIES) for part in parts]
        for future in completed(futures, loop=client.loop):
            yield future.result()
        client.unregister_worker_plugin(_PLUGIN)


def _run_on_worker(part: Part) -> Any:
    from distributed import get_worker

    return vars(get_worker())[_PLUGIN](part)
