"""The process that runs a version's code: `python -m skylift.sandboxed`, in a folder with the files of the version.

It gives up its rights before it reads anything; see `skylift.sandbox`.
"""

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from skylift.confined_process import begin

if TYPE_CHECKING:
    from skylift.errors import SkyliftError
    from skylift.sandbox import Answer, Problem


def answer_of(folder: Path, unconfined: str | None) -> "Answer":
    """Load the model in a folder and score the rows beside it.

    Parameters
    ----------
    folder
        Folder of the manifest, the model and the rows.
    unconfined
        Reason why the kernel does not confine this process; None if it does.
    """
    import numpy as np

    from skylift.errors import UnservableModel
    from skylift.manifest import MANIFEST_FILE, Manifest
    from skylift.predictors import load_form
    from skylift.sandbox import ROWS_FILE, Answer, printable
    from skylift.scoring import golden_mismatches

    manifest = Manifest.from_bytes((folder / MANIFEST_FILE).read_bytes(), source=MANIFEST_FILE)
    rows = np.load(folder / ROWS_FILE, allow_pickle=False)
    remark = unconfined and printable(unconfined)
    try:
        predictor = load_form(manifest, lambda name: (folder / name).read_bytes())
        with golden_mismatches():
            scores = np.ascontiguousarray(predictor.scores(rows), dtype="<f8")
    except UnservableModel as error:
        return Answer(problem=_problem(error), unconfined=remark)
    except OSError as error:
        refused = UnservableModel(
            f"the model of {manifest.name} tried to use a file, the network or another process "
            f"({type(error).__name__})",
            "do not promote it before you know why",
        )
        return Answer(problem=_problem(refused), unconfined=remark)
    return Answer(shape=scores.shape, scores=b64encode(scores.tobytes()), unconfined=remark)


def _problem(error: "SkyliftError") -> "Problem":
    from skylift.sandbox import Problem, printable

    return Problem.model_validate(
        {"code": error.code, "message": printable(error.message), "hint": printable(error.hint)}
    )


def _main() -> None:
    process = begin()
    document = answer_of(Path.cwd(), process.unconfined)
    with process.answer as file:
        file.write(document.model_dump_json().encode())


if __name__ == "__main__":
    _main()
