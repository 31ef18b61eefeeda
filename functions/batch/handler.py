"""The Lambda entry: the state machine calls it for each part of a table, and once more at the end of the run."""

from functools import lru_cache, partial
from typing import Any

from batch.task import Task
from skylift.aws import s3_client
from skylift.bulk.manifest import PLAN_FILE, RunManifest, add_up, results_of, write_manifest
from skylift.bulk.part import PartResult, run_part
from skylift.bulk.places import Place, place_of
from skylift.bulk.plan import Plan
from skylift.bulk.scoring import BulkModel
from skylift.errors import DataError
from skylift.observability import logger
from skylift.references import Reference
from skylift.settings import RegistrySettings
from skylift.store import VersionStore


def handler(event: dict[str, Any], _context: object = None) -> dict[str, int]:
    """Score a part, or write the manifest of a run whose parts are done. Doing either twice writes the same.

    Parameters
    ----------
    event
        See `batch.task`.

    Returns
    -------
    Numbers of rows: `rows`, `answered` and `rejected`.

    Raises
    ------
    ConfigError
        The event is not one of the state machine, or the version may not serve.
    DataError
        The part cannot be read or does not fit the contract; or parts of the run are not done.
    IntegrityError, UnservableModel
        The version was altered, or fails.
    AwsUnavailable
        S3 failed: trying again may help.
    """
    task = Task.of(event)
    model, place = _model(task.reference, explain=task.explain), place_of(task.output)
    if task.part is not None:
        done = run_part(task.part, model, place, task.run)
        logger.info("part", extra={"part": done.name, "run": done.run, "seconds": done.seconds, **_counts(done)})
        return _counts(done)
    plan = _plan(task, place)
    manifest = add_up(plan, model, results_of(plan, place))
    write_manifest(place, manifest)
    logger.info("run", extra={"run": manifest.run, "parts": len(manifest.parts), **_counts(manifest)})
    return _counts(manifest)


@lru_cache(maxsize=1)
def _model(reference: str, *, explain: bool) -> BulkModel:
    """The version that scores, verified and proven; the parts that an environment gets are usually of one run."""
    settings = RegistrySettings()
    store = VersionStore(settings.bucket, settings.model, client=s3_client())
    version = store.resolve(Reference.parse(reference))
    read = partial(store.artifact, version.manifest)
    model = BulkModel.of(version.reference.name, version.reference.digest, version.manifest, read, explain=explain)
    model.check(allow_joblib=settings.allow_joblib)
    return model


def _plan(task: Task, place: Place) -> Plan:
    stored = place.read(PLAN_FILE)
    if stored is None or (plan := Plan.model_validate_json(stored)).run != task.run:
        raise DataError(f"{task.output} holds no plan of the run {task.run[:12]}", "start it by `skylift batch`")
    return plan


def _counts(of: PartResult | RunManifest) -> dict[str, int]:
    return {"rows": of.rows, "answered": of.answered, "rejected": of.rejected}
