"""Explains answers for requests that ask for it: by the version that answers, within bounded time.

Background rows are read when the first request of a version asks, so that loading a version costs nothing more.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from inference.host import ModelHost
from inference.model import ScoredRequest, ServedModel
from skylift.background import BACKGROUND_FILE, Background
from skylift.errors import SkyliftError
from skylift.explanation import Explainer
from skylift.http.errors import ExplanationTooSlow, InvalidQuery, ReasonsUnavailable
from skylift.observability import logger

if TYPE_CHECKING:
    from skylift.references import Reference
    from skylift.scoring import Predictor

SECONDS = 5.0
"""Time that reasons may take: a request whose challenger took so long is explained once more, within Lambda's time."""

_KEPT = 4
"""Versions whose background rows are kept: requests may still wait for an answer by one that is not served any more."""

_TELLING_SECONDS = 1.0
"""Time after which the share that is done tells how long all of it takes."""


class Reasons:
    """Background rows and explainers of the versions that answer.

    Parameters
    ----------
    host
        Holder of the model.
    clock
        Function that returns monotonic seconds.

    Attributes
    ----------
    max_instances
        Most instances of a request: each costs as much as thousands without reasons.
    """

    max_instances = 100

    def __init__(self, host: ModelHost, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._clock = clock
        self._backgrounds: dict[Reference, Background] = {}
        self._explainers: dict[Reference, tuple[Predictor, Explainer]] = {}

    async def prepare(self) -> None:
        """Have the background rows of the versions that may answer.

        Raises
        ------
        ReasonsUnavailable, ModelNotReady
            Those of the active version cannot be read, or no model is loaded.
        """
        model = await self._host.current()
        trial = self._host.trial
        models = [model, *([trial.model] if trial and trial.answers else [])]
        served = {each.reference for each in models}
        for reference in [*self._explainers]:  # a copy: they are added in another thread
            if reference not in served:
                del self._explainers[reference]
        for reference in [*self._backgrounds][:-_KEPT]:
            del self._backgrounds[reference]
        await self._read(model)
        for challenger in models[1:]:
            with suppress(ReasonsUnavailable):  # the champion then answers
                await self._read(challenger)

    async def _read(self, model: ServedModel) -> None:
        if model.reference in self._backgrounds or BACKGROUND_FILE not in model.manifest.artifacts:
            return
        try:
            data = await self._host.artifact(model, BACKGROUND_FILE)
            self._backgrounds[model.reference] = Background.from_bytes(data, width=model.manifest.contract.width)
        except SkyliftError as error:
            logger.warning("no reasons", extra={"version": model.reference.name, "problem": error.message})
            raise ReasonsUnavailable(
                f"what {model.reference.name} explains its answers by cannot be read now ({error.code})",
                "try again shortly, or leave explain=true out",
            ) from error

    def add(self, model: ServedModel, scored: ScoredRequest) -> None:
        """Give predictions their explanations, as the member `explanation`; none to one that is not a number.

        Raises
        ------
        InvalidQuery, ReasonsUnavailable, ExplanationTooSlow
        """
        explainer = self._explainer(model)
        found = explainer.explain(scored.rows, scored.scores, watch=self._patience(len(scored.rows)))
        for prediction, explanation in zip(scored.predictions, found.members(), strict=True):
            if explanation is not None:
                prediction["explanation"] = explanation

    def _explainer(self, model: ServedModel) -> Explainer:
        predictor, explainer = self._explainers.get(model.reference, (None, None))
        if explainer is not None and predictor is model.predictor:
            return explainer
        if BACKGROUND_FILE not in model.manifest.artifacts:
            raise InvalidQuery(
                f"{model.reference.name} has nothing to explain its answers by",
                "train it again, or leave explain=true out",
            )
        if (background := self._backgrounds.get(model.reference)) is None:
            raise ReasonsUnavailable(f"{model.reference.name} cannot explain its answers yet", "try again shortly")
        explainer = Explainer(model.manifest.contract, background, model.predictor)
        self._explainers[model.reference] = model.predictor, explainer
        return explainer

    def _patience(self, instances: int) -> Callable[[float], None]:
        """What ends an explanation as soon as it is clear that it takes too long."""
        started = self._clock()

        def watch(share: float) -> None:
            spent = self._clock() - started
            needed = spent / share
            if share == 1 or spent < _TELLING_SECONDS or needed <= SECONDS:
                return
            fitting = int(instances * SECONDS / needed)
            hint = f"send at most {fitting} in one request" if fitting else "leave explain=true out: this model is slow"
            raise ExplanationTooSlow(
                f"to explain {instances} instances would take {needed:.1f} seconds of {SECONDS:.0f}", hint
            )

        return watch
