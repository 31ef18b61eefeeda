"""The registry as people use it: publish, list, resolve, promote, roll back, look at the history.

The service needs less: it reads the pointer and the store.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from skylift.aws import s3_client, ssm_client
from skylift.errors import IntegrityError, NoActiveVersion, PromotionRefused, UnservableModel
from skylift.footprint import check_memory
from skylift.image_cache import bake
from skylift.manifest import MODEL_FILE, Manifest
from skylift.pointer import ActivePointer, Move, MoveKind, way_back
from skylift.references import NOTHING, Reference, parse_version
from skylift.signature import Signatures
from skylift.store import VersionStore
from skylift.verification import Version, check_form

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

    from skylift.encoding import RowEncoder
    from skylift.scoring import Predictor
    from skylift.settings import RegistrySettings

    type Load = Callable[[Manifest, Callable[[str], bytes]], Predictor]


class Registry:
    """The versions of a model and the pointer to the active one.

    Parameters
    ----------
    store
        Store of the versions.
    pointer
        Pointer to the active version.
    load
        Function that makes the predictor of a version; by default one that scores in a process without rights.
    allow_joblib
        Whether a version without a compiled form may go live; see `skylift.verification.check_form`.
    signatures
        What signs versions, and says which signature counts; by default nothing is signed, and none is required.
    """

    def __init__(
        self,
        store: VersionStore,
        pointer: ActivePointer,
        *,
        load: "Load | None" = None,
        allow_joblib: bool = False,
        signatures: Signatures | None = None,
    ) -> None:
        self._store = store
        self._pointer = pointer
        self._load = load
        self._allow_joblib = allow_joblib
        self._signatures = signatures or Signatures()

    @classmethod
    def open(
        cls,
        settings: "RegistrySettings",
        *,
        s3: "S3Client | None" = None,
        ssm: "SSMClient | None" = None,
        load: "Load | None" = None,
    ) -> Self:
        """Open the registry that settings name.

        Parameters
        ----------
        settings
            Bucket, stage, model, and what may go live; `RegistrySettings()` reads them from the environment.
        s3, ssm
            Botocore clients; new ones if None.
        load
            See `Registry`.

        Raises
        ------
        AwsUnavailable
            A client cannot be made.
        """
        return cls(
            VersionStore(settings.bucket, settings.model, client=s3 or s3_client()),
            ActivePointer(settings.stage, settings.model, client=ssm or ssm_client(patient=True)),
            load=load,
            allow_joblib=settings.allow_joblib,
            signatures=Signatures.of(settings),
        )

    def publish(self, describe: Callable[[int], Manifest], artifacts: Mapping[str, bytes]) -> Version:
        """Store a new version, signed if there is a key; see `VersionStore.publish` and `Signatures.sign`.

        It does not serve before it is promoted.
        """
        return self._store.publish(describe, artifacts, sign=self._signatures.sign)

    def versions(self) -> list[Version]:
        """The visible versions, ascending by number."""
        return self._store.versions()

    def version(self, reference: Reference | str) -> Version:
        """A version by its reference, or by a text that is its name, its number or its reference.

        Raises
        ------
        InvalidReference
            The text is none of these.
        VersionNotFound
            There is no such version.
        IntegrityError
            Its manifest is not the one the reference names.
        """
        if isinstance(reference, Reference):
            return self._store.resolve(reference)
        number, digest = parse_version(reference)
        if digest is not None:
            return self._store.resolve(Reference(number, digest))
        return self._store.version(number)

    def active(self) -> Reference | None:
        """Reference of the active version; None before the first promotion."""
        return self._pointer.read()

    def resolve(self) -> Version:
        """The active version.

        Raises
        ------
        NoActiveVersion
            Before the first promotion.
        """
        reference = self._pointer.read()
        if reference is None:
            raise NoActiveVersion("no version is active", "promote one: `skylift promote v1`")
        return self._store.resolve(reference)

    def history(self) -> list[Move]:
        """Moves of the pointer, oldest first."""
        return self._pointer.history()

    def examine(self, reference: Reference | str, *, memory_mib: float | None = None) -> Version:
        """A version that may go live; see `promote`, which examines the same."""
        version = self.version(reference)
        self._examine(version)
        if memory_mib is not None:
            check_memory(version, partial(self._store.artifact, version.manifest), memory_mib)
        return version

    def promote(
        self,
        reference: Reference | str,
        *,
        memory_mib: float | None = None,
        seen: Reference | None = None,
        tool: str = "",
    ) -> Reference:
        """Make a version the active one, if it may serve. The one that is active is examined, and nothing is written.

        Parameters
        ----------
        memory_mib
            Memory of the service in MiB, which must be enough for a switch; None if it is not known.
        seen
            Version that the decision to promote this one was based on; by default the one that is active now.
        tool
            What moves the pointer, for the history: `skylift promote`.

        Raises
        ------
        PromotionRefused
            A gate failed, it lacks a signature that counts or a compiled form where it needs one, a file does not have
            its digest, the environment differs from that of training, the golden requests score differently, or the
            memory is too small; the message says which.
        PointerMoved
            Somebody else moved the pointer meanwhile.
        InvalidReference, VersionNotFound, IntegrityError
            There is no such version, or its manifest is not the one the reference names.
        """
        before = self._pointer.value() if seen is None else str(seen)
        return self._promote(reference, seen=before, memory_mib=memory_mib, tool=tool)

    def artifact(self, version: Version, name: str) -> bytes:
        """A file of a version, checked against the digest in its manifest.

        Raises
        ------
        IntegrityError
            The manifest does not list it, or it is missing or altered.
        """
        return self._store.artifact(version.manifest, name)

    def predictor(self, version: Version) -> "Predictor":
        """Predictor of a version, none of whose code runs in this process; see `SandboxedPredictor`.

        Raises
        ------
        IntegrityError
            Its model is missing or altered.
        """
        return self._predictor(version.manifest, partial(self._store.artifact, version.manifest))

    def encoder(self, version: Version) -> "RowEncoder":
        """What encodes the instances of a version.

        Raises
        ------
        IntegrityError
            A file of it is missing or altered.
        """
        from skylift.encoding import load_encoder

        return load_encoder(version.manifest, partial(self._store.artifact, version.manifest))

    def bake(self, text: str, folder: Path) -> Path:
        """Write a version that may serve into a folder for the container image; see `skylift.image_cache`.

        Raises
        ------
        PromotionRefused
            The version must not serve.
        """
        version = self.version(text)
        self._examine(version)
        return bake(version, partial(self._store.artifact, version.manifest), folder)

    def rollback(self, *, tool: str = "") -> Reference:
        """Make the version before the active one active again, under the same checks as a promotion.

        Right after a promotion, also of an earlier version, it undoes that promotion. A version that a rollback left is
        not returned to, unless it was promoted again.

        Parameters
        ----------
        tool
            What moves the pointer, for the history: `skylift rollback`.

        Raises
        ------
        PromotionRefused
            No earlier version exists, or it must not serve any more.
        PointerMoved
            Somebody else moved the pointer meanwhile.
        """
        moves = self._pointer.history()
        current = moves[-1].after if moves else NOTHING
        earlier = [reference for reference in way_back(moves) if str(reference) != current]
        if not earlier:
            raise PromotionRefused("there is no earlier version to roll back to", "see `skylift history`")
        return self._promote(earlier[-1], kind="rollback", seen=current, tool=tool)

    def go_back(self, to: Reference, *, seen: str, tool: str) -> None:
        """Make a version active that was before, without loading it: it served, and every moment counts.

        Parameters
        ----------
        seen
            Value of the pointer that the decision was based on.
        tool
            What moves the pointer, for the history.

        Raises
        ------
        PromotionRefused
            A gate failed, it lacks a signature that counts or a compiled form where it needs one, or a file does not
            have its digest.
        PointerMoved
            Somebody else moved the pointer meanwhile.
        InvalidReference, VersionNotFound, IntegrityError
            There is no such version, or its manifest is not the one the reference names.
        """
        version = self.version(to)
        with self._examining(version):
            for name in version.manifest.artifacts:
                self._store.artifact(version.manifest, name)
        self._pointer.move(to, kind="rollback", seen=seen, tool=tool)

    def _promote(
        self,
        reference: Reference | str,
        *,
        seen: str,
        kind: MoveKind = "promotion",
        memory_mib: float | None = None,
        tool: str = "",
    ) -> Reference:
        version = self.examine(reference, memory_mib=memory_mib)
        if str(version.reference) != seen:
            self._pointer.move(version.reference, kind=kind, seen=seen, tool=tool)
        return version.reference

    def _examine(self, version: Version) -> None:
        from skylift.encoding import load_encoder  # NumPy, which a list of versions does without
        from skylift.scoring import check_golden

        manifest = version.manifest
        with self._examining(version):
            names = {MODEL_FILE, *manifest.artifacts}
            files = {name: self._store.artifact(manifest, name) for name in names}
            encoder = load_encoder(manifest, files.__getitem__)
            check_golden(encoder, manifest.golden, self._predictor(manifest, files.__getitem__))

    @contextmanager
    def _examining(self, version: Version) -> Iterator[None]:
        """Check what the manifest and the signature say; what fails inside is a refusal as well."""
        manifest = version.manifest
        if self._signatures.required:
            self._signatures.check(version.reference, self._store.signature(manifest.version))
        if failed := [str(gate) for gate in manifest.gates if not gate.passed]:
            raise PromotionRefused(f"{manifest.name} failed its gate: {', '.join(failed)}", "train a better model")
        try:
            check_form(manifest, allow_joblib=self._allow_joblib)
            yield
        except (IntegrityError, UnservableModel) as error:
            raise PromotionRefused(f"{manifest.name} may not serve: {error.message}", error.hint) from error

    def _predictor(self, manifest: Manifest, read: Callable[[str], bytes]) -> "Predictor":
        if self._load is None:
            from skylift.sandbox import SandboxedPredictor

            return SandboxedPredictor(manifest, read)
        return self._load(manifest, read)
