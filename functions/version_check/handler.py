"""The Lambda entry: a schedule calls it, and its metric says whether a new environment could load the active version.

Running environments hold their model in memory and notice nothing when its files are gone: the next start does.
"""

from skylift.aws import s3_client, ssm_client
from skylift.errors import SkyliftError
from skylift.observability import MetricPoint, emit, logger
from skylift.pointer import ActivePointer
from skylift.settings import RegistrySettings
from skylift.store import VersionStore
from skylift.verification import check_form


def handler(_event: object = None, _context: object = None) -> dict[str, str | None]:
    """Check the pointer, the manifest that it names, the form and the sizes of all files, and write the metric.

    Returns
    -------
    `version`, None if no version is active or the pointer cannot be read, and `problem`, None if nothing is wrong.
    """
    settings = RegistrySettings()
    version = problem = None
    unreadable = 1  # also after an unexpected error
    try:
        reference = ActivePointer(settings.stage, settings.model, client=ssm_client(patient=True)).read()
        if reference is not None:
            version = reference.name
            store = VersionStore(settings.bucket, settings.model, client=s3_client())
            manifest = store.resolve(reference).manifest
            check_form(manifest, allow_joblib=settings.allow_joblib)
            store.check_files(manifest)
        unreadable = 0
    except SkyliftError as error:
        problem = str(error)
        logger.exception("the active version cannot be read", extra={"version": version, "found": problem})
    finally:
        point = MetricPoint("ActiveVersionUnreadable", unreadable)
        emit([point], [{"stage": settings.stage, "model": settings.model}], {"version": version})
    return {"version": version, "problem": problem}
