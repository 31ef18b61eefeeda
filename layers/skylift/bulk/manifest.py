"""What a run came to, written when all of its parts are done."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from skylift.bulk.part import PartResult, result_of
from skylift.bulk.places import Place
from skylift.bulk.plan import Plan
from skylift.bulk.scoring import BulkModel
from skylift.documents import Document
from skylift.errors import DataError

MANIFEST_FILE = "_skylift.json"
PLAN_FILE = "_plan.json"

_READERS = 16


class RunManifest(Document):
    """What a run came to.

    Parameters
    ----------
    run
        Digest of the input and of what scored it.
    model, version, sha256
        Model, its version, and the digest of the version's manifest.
    input
        Address that was asked for.
    rows, answered, rejected
        Numbers of rows: those that came in are those that were answered and those that were rejected.
    unknown
        Numbers of texts that training never saw, by the name of their category; see `PartResult`.
    parts
        What each part came to, in the order of the rows.
    """

    run: str
    model: str
    version: str
    sha256: str
    input: str
    rows: int
    answered: int
    rejected: int
    unknown: dict[str, int] | None = None
    parts: tuple[PartResult, ...]


def begin(place: Place, plan: Plan) -> bool:
    """Write the plan of a run; whether it had begun there before, so that it goes on.

    Raises
    ------
    DataError
        The place holds another run, whose rows would be among those of this one.
    """
    if (stored := place.read(PLAN_FILE)) is not None:
        other = Plan.model_validate_json(stored)
        if other.run != plan.run:
            how, hint = plan.told_from(other)
            raise DataError(f"the output holds another run: {how}", hint)
        return True
    write_plan(place, plan)
    return False


def write_plan(place: Place, plan: Plan) -> None:
    """Write the plan of a run, which takes the place of another."""
    with place.writing(PLAN_FILE) as file:
        file.write(plan.to_bytes())


def results_of(plan: Plan, place: Place) -> list[PartResult]:
    """What the parts came to that are done."""
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda part: result_of(part, place, plan.run), plan.parts)
        return [result for result in found if result is not None]


def add_up(plan: Plan, model: BulkModel, results: Iterable[PartResult]) -> RunManifest:
    """What a run came to.

    Parameters
    ----------
    results
        What its parts came to, in any order.

    Raises
    ------
    DataError
        A part is missing, or is there twice.
    """
    by_name: dict[str, PartResult] = {}
    for result in results:
        if result.name in by_name or result.run != plan.run:
            raise DataError(f"part {result.name} is there twice, or of another run", "run it again elsewhere")
        by_name[result.name] = result
    if missing := [part.name for part in plan.parts if part.name not in by_name]:
        raise DataError(f"{len(missing)} parts are not done, {missing[0]} among them", "run it again: it goes on")
    parts = tuple(by_name[part.name] for part in plan.parts)
    return RunManifest(
        run=plan.run,
        model=model.manifest.model,
        version=model.version,
        sha256=model.digest,
        input=plan.input,
        rows=sum(part.rows for part in parts),
        answered=sum(part.answered for part in parts),
        rejected=sum(part.rejected for part in parts),
        unknown=sum((Counter(part.unknown) for part in parts), Counter()),
        parts=parts,
    )


def read_manifest(place: Place) -> RunManifest | None:
    """The manifest of the run that is complete at a place; None if none is."""
    stored = place.read(MANIFEST_FILE)
    return None if stored is None else RunManifest.model_validate_json(stored)


def write_manifest(place: Place, manifest: RunManifest) -> None:
    """Write the manifest of a run, which says that it is complete."""
    with place.writing(MANIFEST_FILE) as file:
        file.write(manifest.to_bytes())
