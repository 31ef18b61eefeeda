"""Reasons for an answer: how much each feature moved it away from the typical answer.

They are interventional Shapley values (Lundberg & Lee, "A unified approach to interpreting model predictions", 2017;
Janzing, Minorics & Bloebaum, "Feature relevance quantification in explainable AI: a causal problem", 2020): the value
of a coalition of features is the mean answer to the row's values of these and the background rows' values of the
others. They need nothing of a model but its scores. Up to `MOST_EXACT` features they are exact; see
`skylift.coalitions` for more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skylift.background import BACKGROUND_FILE, Background
from skylift.coalitions import Flags, coalitions_of
from skylift.contract import Contract
from skylift.manifest import Manifest
from skylift.scoring import Matrix, Predictor, predicted_classes

_ROWS_AT_ONCE = 2048
_CELLS_AT_ONCE = 2**20
_VALUES_AT_ONCE = 2**16

type Codes = NDArray[np.intp]
"""Codes of classes, `[n]`."""

type Watch = Callable[[float], None]
"""Told after each call of the predictor which share of the work is done; it may raise to end it."""


@dataclass(frozen=True, slots=True)
class Explanations:
    """Reasons for some answers. `base + contributions.sum(axis=1)` is what was explained, up to rounding.

    Parameters
    ----------
    contract
        Contract of the answers.
    outputs
        Code of the class whose probability is explained, intp `[n]`; None for a regression.
    base
        The same output for the background rows, float64 `[n]`: the mean by their weights.
    contributions
        What each feature added to it, in the order of the contract, float64 `[n, features]`.
    """

    contract: Contract
    outputs: Codes | None
    base: Matrix
    contributions: Matrix

    def members(self) -> list[dict[str, object] | None]:
        """The explanations as JSON has them; None for one of an answer that is not a number."""
        names = [feature.name for feature in self.contract.features]
        return [
            {"output": self._output(place), "base": base, "contributions": dict(zip(names, row, strict=True))}
            if defined
            else None
            for place, (base, row, defined) in enumerate(
                zip(
                    self.base.tolist(),
                    self.contributions.tolist(),
                    np.isfinite(self.contributions).all(axis=1),
                    strict=True,
                )
            )
        ]

    def _output(self, place: int) -> str:
        return "value" if self.outputs is None else f"probability of {self.contract.target.keys[self.outputs[place]]}"


class Explainer:
    """Explains answers of a predictor.

    Parameters
    ----------
    contract
        Contract of the rows.
    background
        Background rows, which it scores once.
    predictor
        What is explained.
    """

    def __init__(self, contract: Contract, background: Background, predictor: Predictor) -> None:
        self._contract = contract
        self._background = background
        self._predictor = predictor
        self._coalitions = coalitions_of(len(contract.features), len(background.rows))
        self._scores = _columns(predictor.scores(background.rows))
        self._base = background.weights @ self._scores
        self._starts = np.array(contract.leads)
        self._feature_of = np.repeat(np.arange(len(self._starts)), [feature.width for feature in contract.features])

    def explain(self, rows: Matrix, scores: Matrix, *, watch: Watch = lambda _: None) -> Explanations:
        """Explain the predicted class of each row, or its value.

        About `SCORED_ROWS` mixtures are scored for a row, fewer where it has values of background rows. A call of the
        predictor scores those of several rows, or a part of those of one, as the memory allows.

        Parameters
        ----------
        rows
            Encoded rows, float64 `[n, width]`.
        scores
            Scores of the rows by the same predictor.
        watch
            Callback for the share that is done, 0 to 1.
        """
        target = self._contract.target
        outputs = predicted_classes(target, scores) if target.classes else None
        codes = np.zeros(len(rows), dtype=np.intp) if outputs is None else outputs
        answers = _columns(scores)[np.arange(len(rows)), codes]
        chains, places = self._coalitions.shape
        together = max(_VALUES_AT_ONCE // (len(self._background.rows) * chains * places), 1)
        parts = [slice(start, start + together) for start in range(0, len(rows), together)]
        contributions = np.empty((len(rows), len(self._starts)))
        for done, part in enumerate(parts):
            told = partial(_tell, watch, done, len(parts))
            contributions[part] = self._contributions(rows[part], codes[part], answers[part], told)
        return Explanations(self._contract, outputs, self._base[codes], contributions)

    def _contributions(self, rows: Matrix, codes: Codes, answers: Matrix, watch: Watch) -> Matrix:
        """Contributions to the answers of a few rows, of which the codes are the columns."""
        background, coalitions = self._background, self._coalitions
        canonical = coalitions.canonical(self._differs(rows))
        whole = canonical[..., -1:]  # the first coalition that makes the row itself
        places = np.arange(canonical.shape[-1])
        row, against, chain, place = np.nonzero((canonical == places) & (places > 0) & (canonical != whole))
        values = np.empty(canonical.shape)
        values[..., 0] = self._scores[:, codes].T[:, :, None]
        np.put_along_axis(values, whole, answers[:, None, None, None], axis=3)
        size = max(min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // rows.shape[1]), 1)
        for start in range(0, len(row), size):
            part = slice(start, start + size)
            inside = coalitions.members(against[part], chain[part], place[part])[:, self._feature_of]
            mixed = np.where(inside, rows[row[part]], background.rows[against[part]])
            scored = _columns(self._predictor.scores(mixed))[np.arange(len(mixed)), codes[row[part]]]
            values[row[part], against[part], chain[part], place[part]] = scored
            watch(min(start + size, len(row)) / len(row))
        with np.errstate(invalid="ignore"):  # of infinite answers
            return coalitions.contributions(np.take_along_axis(values, canonical, axis=3), background.weights)

    def _differs(self, rows: Matrix) -> Flags:
        """Whether features of rows differ from those of background rows, `[n, background, features]`."""
        ours, theirs = rows[:, None], self._background.rows[None]
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        return np.logical_or.reduceat(~same, self._starts, axis=2)


def load_explainer(manifest: Manifest, read: Callable[[str], bytes], predictor: Predictor) -> Explainer | None:
    """What explains the answers of a version; None for one of an older release.

    Parameters
    ----------
    read
        Function that returns a file of the version by name, checked against its manifest.

    Raises
    ------
    IntegrityError
        The file is missing or altered.
    UnservableModel
        It does not hold background rows of the contract.
    """
    if BACKGROUND_FILE not in manifest.artifacts:
        return None
    contract = manifest.contract
    return Explainer(contract, Background.from_bytes(read(BACKGROUND_FILE), width=contract.width), predictor)


def _tell(watch: Watch, done: int, parts: int, share: float) -> None:
    """Tell that a share of the next part is done."""
    watch((done + share) / parts)


def _columns(scores: Matrix) -> Matrix:
    """Scores with a column for each output."""
    return scores.reshape(len(scores), -1)
