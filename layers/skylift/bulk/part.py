"""Runs one part: its rows are read, scored and written under its own names, so that doing it twice writes the same.

NAME.parquet (.csv, .jsonl)     the rows that were answered, with their answers
_rejected/NAME.jsonl            the others, with the reasons, if there are any
_parts/NAME.json                what it came to, written last: the part is done when this is there
"""

from collections import Counter
from contextlib import ExitStack
from time import perf_counter
from typing import IO

import numpy as np

from skylift.bulk.batches import batches
from skylift.bulk.places import Place
from skylift.bulk.plan import Part
from skylift.bulk.rejects import rejected_lines
from skylift.bulk.scoring import BulkModel
from skylift.bulk.writers import ENDINGS, WRITERS
from skylift.documents import Document

RESULTS = "_parts"
"""Folder of what parts came to."""


class PartResult(Document):
    """What a part came to.

    Parameters
    ----------
    name
        Name of the part.
    run
        Run that it is of.
    rows, answered, rejected
        Numbers of rows.
    unknown
        Numbers of texts that training never saw, and that counted as missing, by the name of their category; None in
        older releases.
    files
        Names of what was written: the answers, and the rejected rows if there are any.
    seconds
        Time that it took.
    """

    name: str
    run: str
    rows: int
    answered: int
    rejected: int
    unknown: dict[str, int] | None = None
    files: tuple[str, ...]
    seconds: float


def run_part(part: Part, model: BulkModel, place: Place, run: str) -> PartResult:
    """Run a part, unless it is done.

    Parameters
    ----------
    run
        Run that it is of; what is there of another one is written again.

    Raises
    ------
    DataError
        Its file cannot be read, or does not fit the contract.
    AwsUnavailable
        S3 failed.
    UnservableModel
        The model cannot be loaded, or fails.
    """
    if (done := result_of(part, place, run)) is not None:
        return done
    started = perf_counter()
    form, contract = part.source.form, model.manifest.contract
    encoder = model.column_encoder(cells=form != "jsonl")
    answers, rejects = f"{part.name}{ENDINGS[form]}", f"_rejected/{part.name}.jsonl"
    files = [answers]
    answered = rejected = 0
    unknown: Counter[str] = Counter()
    with ExitStack() as stack:
        writer = WRITERS[form](stack.enter_context(place.writing(answers)), model.answers, model.about)
        stack.callback(writer.close)
        aside: IO[bytes] | None = None
        for batch in batches(part, contract):
            encoded = encoder.encode(batch.columns, len(batch.numbers))
            chosen, rows = None, encoded.rows
            if encoded.refused:
                chosen = np.delete(np.arange(len(rows)), list(encoded.refused))
                rows = rows[chosen]
            writer.write(batch, chosen, rows, model.scores(rows))
            answered += len(rows)
            unknown.update(encoded.unknown)
            for line in rejected_lines(part.source, batch, encoded.refused):
                if aside is None:
                    aside = stack.enter_context(place.writing(rejects))
                    files.append(rejects)
                aside.write(line)
                rejected += 1
    result = PartResult(
        name=part.name,
        run=run,
        rows=answered + rejected,
        answered=answered,
        rejected=rejected,
        unknown=unknown,
        files=tuple(files),
        seconds=round(perf_counter() - started, 3),
    )
    with place.writing(_result_name(part)) as file:
        file.write(result.to_bytes())
    return result


def result_of(part: Part, place: Place, run: str) -> PartResult | None:
    """What a part came to; None if it is not done in this run."""
    if (stored := place.read(_result_name(part))) is None:
        return None
    result = PartResult.model_validate_json(stored)
    return result if result.run == run else None


def _result_name(part: Part) -> str:
    return f"{RESULTS}/{part.name}.json"
