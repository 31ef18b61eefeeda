"""What a training came to, told to whoever started the command: a document, and the card of a refused model too."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from skylift.errors import SkyliftError
from skylift.retraining.outcome import Outcome
from training.cli.console import out
from training.cli.output_file import write_output

if TYPE_CHECKING:
    from skylift.verification import Version
    from training.job import Trained


class Account:
    """Writes what a training came to when its block ends, however it ends.

    Parameters
    ----------
    json
        Path of the document, or `-` to print it; None for no document.
    card
        Path of the model card; None for no card.
    """

    def __init__(self, json: Path | None, card: Path | None) -> None:
        self.prints = json is not None and str(json) == "-"
        self.model: str | None = None
        self._json = json
        self._card = card
        self._known: dict[str, object] = {}

    def judged(self, trained: "Trained") -> None:
        """Note what is known of a model before its gates decide, and write its card."""
        self._known = {"gates": trained.gates, "data_sha256": trained.table.digest}
        if self._card is not None:
            from skylift.model_card import CARD_FILE
            from training.cli.train import packed

            write_output(self._card, packed(trained).artifacts[CARD_FILE], "--card")

    def published(self, version: "Version") -> None:
        """Write the document of a published version at once: what fails now does not undo it."""
        known = {**self._known, "reference": str(version.reference)}
        self._write(Outcome(outcome="published", model=self.model).model_copy(update=known))
        self._json = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, SkyliftError):
            self._write(Outcome.of_failure(self.model, error).model_copy(update=self._known))

    def _write(self, outcome: Outcome) -> None:
        if self.prints and self._json is not None:
            out.print(outcome.to_bytes().decode(), end="", markup=False, soft_wrap=True)
        elif self._json is not None:
            write_output(self._json, outcome.to_bytes(), "--json")
