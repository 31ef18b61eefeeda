"""Makes a stored version one that can answer: verified, loaded, and proven by its golden requests."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from inference.model import ServedModel
from inference.profiling import RequestProfiler, load_profiler
from skylift.encoding import load_encoder
from skylift.errors import SkyliftError
from skylift.image_cache import ImageCache
from skylift.manifest import Manifest
from skylift.observability import MetricPoint, logger
from skylift.predictors import load_predictor
from skylift.references import Reference
from skylift.store import VersionStore
from skylift.verification import check_form

type Record = Callable[[MetricPoint], None]
"""Where metrics of what happens beside the requests go, from any thread."""


class VersionLoader:
    """Loads versions of one model, from the image where it has them.

    Parameters
    ----------
    store
        Versions of the model.
    image
        Versions baked into the container image; None if it has none.
    max_instances
        Largest number of instances in a request.
    allow_joblib
        Whether a version without a compiled form may be loaded; see `skylift.verification.check_form`.
    record
        Function that takes metrics.
    """

    def __init__(
        self,
        store: VersionStore,
        image: ImageCache | None,
        *,
        max_instances: int,
        allow_joblib: bool,
        record: Record,
    ) -> None:
        self._store = store
        self._image = image
        self._max_instances = max_instances
        self._allow_joblib = allow_joblib
        self._record = record

    @property
    def baked(self) -> Reference | None:
        """The newest version in the image; None if it has none."""
        return self._image.newest() if self._image else None

    def load(self, reference: Reference, *, check: Callable[[Manifest], None] | None = None) -> ServedModel:
        """Load a version.

        Parameters
        ----------
        check
            Function that refuses a verified manifest by raising, before the model is read.

        Raises
        ------
        SkyliftError
            It cannot be read, verified, loaded or proven.
        """
        with self._open_version(reference) as (manifest, read):
            check_form(manifest, allow_joblib=self._allow_joblib)
            if check:
                check(manifest)
            encoder = load_encoder(manifest, read)
            predictor = load_predictor(manifest, read, encoder)
            profiler = self._profiler(manifest, read)
        return ServedModel.of(
            reference,
            manifest,
            predictor,
            max_instances=self._max_instances,
            loaded_at=datetime.now(UTC),
            encoder=encoder,
            profiler=profiler,
        )

    def artifact(self, reference: Reference, manifest: Manifest, name: str) -> bytes:
        """Another file of a version; see `VersionStore.artifact`."""
        if self._image is not None and reference in self._image:
            return self._image.artifact(reference, manifest, name)
        return self._store.artifact(manifest, name)

    def _profiler(self, manifest: Manifest, read: Callable[[str], bytes]) -> RequestProfiler | None:
        """What makes profiles; None where that cannot be loaded: a version that is not watched still answers."""
        try:
            return load_profiler(manifest, read)
        except SkyliftError as error:
            self._record(MetricPoint("BaselineFailures"))
            logger.warning("no profiles", extra={"version": manifest.name, "problem": error.message})
            return None

    def _open_version(self, reference: Reference) -> AbstractContextManager[tuple[Manifest, Callable[[str], bytes]]]:
        if self._image is not None and reference in self._image:
            return self._image.open_version(reference)
        return self._store.open_version(reference)
