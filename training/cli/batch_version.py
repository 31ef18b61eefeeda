"""Which version `skylift batch` scores with: one of a registry, or one in a folder that `skylift train -o` wrote."""

from functools import partial
from pathlib import Path

from skylift.bulk.scoring import BulkModel
from skylift.references import sha256
from skylift.registry import Registry
from training.cli.connection import registry_settings
from training.release.folder import VERSION_FILE, folder_reader, read_version_file


def published_model(version: str | None, config: Path, stack: str | None, *, explain: bool) -> BulkModel:
    """A version of the registry, verified and proven as the service does it.

    Parameters
    ----------
    version
        Name, number or reference; None for the active one.

    Raises
    ------
    RegistryError
        It does not exist, or was altered.
    UnservableModel
        It cannot be served by this machine.
    """
    settings = registry_settings(stack, config)
    registry = Registry.open(settings)
    chosen = registry.version(version) if version else registry.resolve()
    read = partial(registry.artifact, chosen)
    model = BulkModel.of(chosen.reference.name, chosen.reference.digest, chosen.manifest, read, explain=explain)
    model.check(allow_joblib=settings.allow_joblib)
    return model


def model_in(folder: Path, *, explain: bool) -> BulkModel:
    """The model in a folder, whatever its form: who names the folder has the file.

    Raises
    ------
    DataError, UnservableModel
    """
    manifest = read_version_file(folder)
    digest = sha256((folder / VERSION_FILE).read_bytes())
    model = BulkModel.of(folder.absolute().name, digest, manifest, folder_reader(folder, manifest), explain=explain)
    model.check(allow_joblib=True)
    return model
