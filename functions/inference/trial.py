"""A challenger in memory, and what it does in a request: it answers, or scores what the champion answered.

Whatever it does, the caller gets what the champion says otherwise, and pays bounded time alone.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from inference import bounded_predictor
from inference.bounded_predictor import BoundedPredictor, ChallengerFailed, Failure
from inference.comparison import Comparison
from inference.model import ScoredRequest, ServedModel
from skylift.challenger import BY_CALLER, Challenger
from skylift.contract import Instance
from skylift.experiment.counters import difference_bin
from skylift.experiment.routing import is_challenged
from skylift.http.caller import caller_of
from skylift.http.errors import RequestError
from skylift.http.record import Record
from skylift.monitoring import answers
from skylift.observability import logger
from skylift.scoring import Matrix, predictions
from skylift.text_encoder import ENCODING_FILE

if TYPE_CHECKING:
    from starlette.types import Scope

type Read = Callable[[ServedModel], list[Instance]]
"""What reads the instances of a request by the contract of a version, or refuses them."""

MAX_FAILURES = 3
"""After so many, this environment asks the challenger no more."""

_ABOUT_ROWS = {"unlearned", "min", "max", "mean", "unit", "description", "example"}
"""What a feature tells of the training rows: it changes no matrix and refuses nothing."""


class Trial:
    """A challenger beside the champion, in one experiment.

    Parameters
    ----------
    challenger
        The experiment.
    model, champion
        The challenger, and the version that answers otherwise.
    predictor
        What scores by the challenger.
    drop
        Function that takes it away, after `MAX_FAILURES`.
    """

    def __init__(
        self,
        challenger: Challenger,
        model: ServedModel,
        champion: ServedModel,
        *,
        predictor: BoundedPredictor,
        drop: Callable[[], None],
    ) -> None:
        self.challenger = challenger
        self.champion = champion
        self._predictor = predictor
        self.model = replace(model, predictor=predictor)
        self._drop = drop
        self._lock = threading.Lock()  # requests may fail in several threads
        self._failures = 0
        self._of_line = {"id": challenger.id, "mode": challenger.mode, "percent": challenger.percent}
        self._header = challenger.header.encode() if challenger.header else None
        self._comparison = Comparison(champion.manifest.contract, model.manifest.contract)
        self._reads_alike = _reading(model) == _reading(champion)

    @property
    def answers(self) -> bool:
        """Whether the challenger answers its share of the requests."""
        return self.challenger.mode == "canary"

    @property
    def is_quick(self) -> bool:
        """Whether the challenger scores a row or a few without another thread."""
        return self._predictor.is_inline

    def takes(self, scope: "Scope", record: Record) -> bool:
        """Whether a request is in the challenger's share."""
        challenger = self.challenger
        if challenger.percent == 100:
            return True
        caller = caller_of(scope) if challenger.key == BY_CALLER else None
        key = challenger.key_of(record.request_id, caller, self._headers(scope) if self._header else {})
        return is_challenged(challenger.reference.digest, key, challenger.percent)

    def told(self, arm: Literal["champion", "challenger"]) -> dict[str, object]:
        """The beginning of what the line of a request says of the experiment."""
        return {**self._of_line, "arm": arm}

    def answer[Answer](self, answer_by: Callable[[ServedModel], Answer], told: dict[str, object]) -> Answer | None:
        """The challenger's answer; None where the champion has to answer, and the line says why.

        Parameters
        ----------
        answer_by
            Function that makes the answer of a version.
        """
        return self._attempt(lambda: answer_by(self.model), told)

    def refuse(self, read: Read, refusal: RequestError, told: dict[str, object]) -> None:
        """Note whether the challenger, too, refuses a request that the champion refused."""
        if self._reads_alike:
            told["refused"] = refusal.code
            return
        try:
            read(self.model)
        except RequestError as own:
            told["refused"] = own.code

    def score(self, read: Read, answer: ScoredRequest, told: dict[str, object], *, labels: bool) -> None:
        """Score what the champion answered, and note how the two compare.

        Parameters
        ----------
        read
            What reads the request.
        answer
            The champion's.
        labels
            Whether labels may come, so that the line needs the challenger's answers.
        """
        compared = self._attempt(lambda: self._compared(read, answer), told)
        if compared is None:
            return
        told["pair"], scores = compared
        if labels:
            codes = answers.encode(self.champion.codes(predictions(self.model.manifest.contract, scores)))
            if codes is not None:
                told["answers"] = codes

    def _attempt[Result](self, task: Callable[[], Result], told: dict[str, object]) -> Result | None:
        """What the challenger makes of a request; None where it refuses or fails, and the line says why."""
        try:
            return task()
        except RequestError as refusal:
            told["refused"] = refusal.code
        except ChallengerFailed as failure:
            self._fail(failure.why, failure, told)
        except Exception as error:  # noqa: BLE001 (the border between a version on trial and the caller)
            self._fail("raised", error, told)
        return None

    def _compared(self, read: Read, answer: ScoredRequest) -> tuple[dict[str, object], Matrix]:
        # A copy: the champion's matrix may still be captured, and estimators write into what they get.
        rows = answer.rows.copy() if self._reads_alike else self.model.encoder.encode(read(self.model))
        scores, seconds = self._predictor.timed(rows, bounded_predictor.SHADOW_SECONDS)
        other, largest = self._comparison.of(answer, scores)
        ours_ms, theirs_ms = answer.seconds * 1000, seconds * 1000
        return {
            "rows": len(rows),
            "other": other,
            "bin": difference_bin(theirs_ms - ours_ms),
            "difference": float(f"{largest:.4g}"),
            "milliseconds": [round(ours_ms, 4), round(theirs_ms, 4)],
        }, scores

    def _fail(self, why: Failure, error: Exception, told: dict[str, object]) -> None:
        told["failed"] = why
        with self._lock:
            self._failures += 1
            failures = self._failures
        cause = error.__cause__ if isinstance(error, ChallengerFailed) else error
        logger.warning(
            "the challenger failed",
            extra={"version": self.challenger.reference.name, "failed": why, "failures": failures},
            exc_info=cause,
        )
        if failures == MAX_FAILURES:
            self._drop()

    def _headers(self, scope: "Scope") -> Mapping[str, str]:
        """The header that the experiment asks for."""
        return {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name == self._header
        }


def _reading(model: ServedModel) -> tuple[object, ...]:
    """What decides which bodies a version takes, and which matrix it makes of one."""
    contract = model.manifest.contract
    features = [feature.model_dump(exclude=_ABOUT_ROWS) for feature in contract.features]
    vocabularies = model.manifest.artifacts.get(ENCODING_FILE)
    return features, vocabularies, frozenset(contract.ignored), model.schema.max_instances
