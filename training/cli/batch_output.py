"""What `skylift batch` leaves: a folder of parts, or one file in the form of its input."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from skylift.bulk.manifest import PLAN_FILE, RunManifest, begin, read_manifest, write_manifest, write_plan
from skylift.bulk.places import UNFINISHED, Folder, place_of
from skylift.bulk.plan import Plan
from skylift.bulk.sources import S3, Form, would_name
from skylift.errors import ConfigError, DataError
from training.files import locked, replace_file

_LOCK = "lock"
_SUFFIXES: dict[Form, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".txt"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
}
_COPIED_BYTES = 2**22


class Output(Protocol):
    """Where the answers go.

    Attributes
    ----------
    parts
        Address of the place that parts are written to.
    """

    parts: str

    def claimed(self) -> AbstractContextManager[None]:
        """Keep it for this process in a block.

        Raises
        ------
        ConfigError
            Another process writes there.
        """
        ...

    def complete(self) -> RunManifest | None:
        """What a run that is complete there came to."""
        ...

    def begin(self, plan: Plan) -> bool:
        """Begin a run; whether it goes on.

        Raises
        ------
        DataError
            It holds something else.
        """
        ...

    def finish(self, manifest: RunManifest) -> None:
        """Make of the parts what was asked for."""
        ...

    def told(self, manifest: RunManifest) -> list[str]:
        """Lines that say where answers and rejected rows are."""
        ...


class PartsOutput:
    """A folder, or a prefix in S3, with a file for each part.

    Parameters
    ----------
    address
        Address of it.
    """

    def __init__(self, address: str) -> None:
        self.parts = address
        self._place = place_of(address)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """See `Output.claimed`; in S3 nobody can be kept away, and parts that two write are the same."""
        if isinstance(self._place, Folder):
            with _locked(self._place.path):
                yield
        else:
            yield

    def complete(self) -> RunManifest | None:
        """See `Output.complete`."""
        return read_manifest(self._place)

    def begin(self, plan: Plan) -> bool:
        """See `Output.begin`."""
        if self._place.read(PLAN_FILE) is None and not self._place.is_empty():
            raise DataError(f"{self.parts} holds other files", "name a place that is empty, or new")
        return begin(self._place, plan)

    def finish(self, manifest: RunManifest) -> None:
        """See `Output.finish`."""
        write_manifest(self._place, manifest)

    def told(self, manifest: RunManifest) -> list[str]:
        """See `Output.told`."""
        rejected = [f"Rejected rows: {self.parts.rstrip('/')}/_rejected"] if manifest.rejected else []
        return [f"Answers: {self.parts}", *rejected]


class FileOutput:
    """One file, put together of parts in a folder beside it, which is gone at the end.

    Parameters
    ----------
    path
        Path of the file.
    form
        What it is.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self._path = path
        self._form = form
        self._folder = path.with_name(f"{path.name}.parts")
        self._rejected = path.with_name(f"{path.name}.rejected.jsonl")
        self._manifest = path.with_name(f"{path.name}.skylift.json")
        self.parts = str(self._folder)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """See `Output.claimed`."""
        with _locked(self._folder):
            yield
        if self.complete():
            shutil.rmtree(self._folder)

    def complete(self) -> RunManifest | None:
        """See `Output.complete`."""
        if not (self._path.exists() and self._manifest.exists()):
            return None
        return RunManifest.model_validate_json(self._manifest.read_bytes())

    def begin(self, plan: Plan) -> bool:
        """See `Output.begin`; parts of another run are of nobody's use, and are gone at the end."""
        place = Folder(self._folder)
        stored = place.read(PLAN_FILE)
        if stored is None and not place.is_empty() and self.complete() is None:  # else they are its own
            raise DataError(f"{self._folder} holds other files", "take them away, or name another output")
        if stored is not None and Plan.model_validate_json(stored).run != plan.run:
            write_plan(place, plan)
            return False
        return begin(place, plan)

    def finish(self, manifest: RunManifest) -> None:
        """See `Output.finish`."""
        self._manifest.unlink(missing_ok=True)
        files = [self._folder / part.files[0] for part in manifest.parts]
        aside = [self._folder / name for part in manifest.parts for name in part.files[1:]]
        with _replacing(self._path, self._folder) as file:
            if self._form == "parquet":
                _join_parquet(files, file)
            else:
                _join_texts(files, file, header=self._form == "csv")
        with _replacing(self._rejected, self._folder) as file:
            _join_texts(aside, file, header=False)
        if not aside:
            self._rejected.unlink()
        replace_file(self._manifest, manifest.to_bytes())

    def told(self, manifest: RunManifest) -> list[str]:
        """See `Output.told`."""
        return [f"Answers: {self._path}", *([f"Rejected rows: {self._rejected}"] if manifest.rejected else [])]


def output_of(address: str, form: Form, *, files: int) -> Output:
    """The output that an address names: one file where one file is scored and the address has an ending of its form.

    Parameters
    ----------
    form, files
        Form and number of the input's files.

    Raises
    ------
    ConfigError
        The address has the ending of another form, or is of a file for several.
    """
    ending = Path(address).suffix.lower()
    forms = [known for known, suffixes in _SUFFIXES.items() if ending in suffixes]
    if address.startswith(S3) or not forms or Path(address).is_dir():
        return PartsOutput(address)
    if forms[0] != form:
        hint = f"name a folder, or a file that ends in {_SUFFIXES[form][0]}"
        raise ConfigError(f"{address} would be {forms[0]}, and the input is {form}", hint)
    if files > 1:
        raise ConfigError(f"{address} is one file, and the input has {files}", "name a folder")
    return FileOutput(Path(address), form)


def check_apart(source: str, output: str, form: Form) -> None:
    """Refuse an output that would be a part of the input the next time.

    Parameters
    ----------
    source, output
        Addresses that do not depend on the folder of this process.
    form
        Form of the input.

    Raises
    ------
    ConfigError
    """
    answers = f"{output.rstrip('/')}/answers{_SUFFIXES[form][0]}"
    if would_name(source, output) or would_name(source, answers):
        raise ConfigError(f"{output} is among what {source} names", "name an output elsewhere")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a folder for this process; what a killed one did not finish goes.

    Raises
    ------
    ConfigError
        Another process has it, or it cannot be made.
    """
    unfinished = folder / UNFINISHED
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made ({error.strerror})", "name another output") from error
    try:
        with locked(unfinished / _LOCK, wait=False):
            for left in unfinished.iterdir():
                if left.name != _LOCK:
                    left.unlink()
            try:
                yield
            finally:  # also where it is refused, because it holds the files of somebody
                shutil.rmtree(unfinished)
    except BlockingIOError as error:
        raise ConfigError(f"another process writes to {folder}", "wait for it, or name another output") from error


@contextmanager
def _replacing(path: Path, folder: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of another when the block ends."""
    written = folder / UNFINISHED / path.name
    with written.open("wb") as file:
        yield file
    written.replace(path)


def _join_texts(files: list[Path], to: IO[bytes], *, header: bool) -> None:
    """Texts one after another, with the first line of the first alone."""
    for number, path in enumerate(files):
        with path.open("rb") as file:
            if header and number:
                _skip_record(file)
            shutil.copyfileobj(file, to, _COPIED_BYTES)


def _skip_record(file: IO[bytes]) -> None:
    """Skip a record of CSV, whose cells may hold line ends in quotes."""
    quotes = 0
    while line := file.readline():
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            return


def _join_parquet(files: list[Path], to: IO[bytes]) -> None:
    """The groups of rows of all files."""
    from pyarrow.parquet import ParquetFile, ParquetWriter

    writer: Any = None
    for path in files:
        with ParquetFile(path) as parquet:
            if writer is None:
                writer = ParquetWriter(to, parquet.schema_arrow)
            for batch in parquet.iter_batches(2**17, use_threads=False):
                writer.write_batch(batch)
    writer.close()
