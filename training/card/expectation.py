"""The section of the model card that says what is known of accuracy after release, from `baseline.json`."""

from pydantic import TypeAdapter

from skylift.monitoring.expected import BLIND, Expectation, ExpectedAccuracy
from skylift.pages.markup import Content, Markup
from skylift.pages.parts import digits, facts, section, table
from training.card.facts import TrainingDistribution
from training.card.parts import metric_name


def expectation(distribution: TrainingDistribution) -> Markup | None:
    """What is expected of answers before labels arrive; None without answers out of fold."""
    if distribution.get("confidence") is None:
        return None
    known: Expectation = TypeAdapter(Expectation).validate_python(distribution["confidence"])
    name = metric_name(known.metric)
    value = (
        f"{digits(known.value)} on rows like those of training: {known.rows:,} of them were answered by a fit that "
        f"did not see them. Give or take {digits(known.error)}, whatever the number of rows."
    )
    rows: list[tuple[str, Content]] = [(f"{name[:1].upper()}{name[1:]} to expect", value)]
    if isinstance(known, ExpectedAccuracy):
        rows.append(("Confidence", _calibration(known)))
    rows.append(("It does not see", f"An estimate is {BLIND}."))
    return section("expectation", "After release", facts(rows), _by_confidence(known))


def _calibration(known: ExpectedAccuracy) -> str:
    if known.method == "none":
        return f"Taken as the model gives it (calibration error {digits(known.ece)} on rows it was not fitted on)."
    name = {"platt": "a logistic curve (Platt)", "isotonic": "a rising line (isotonic)"}[known.method]
    before, after = digits(known.ece_before), digits(known.ece)
    return f"Calibrated for the estimate by {name}: calibration error {before} before, {after} after."


def _by_confidence(known: Expectation) -> Markup | None:
    if not isinstance(known, ExpectedAccuracy):
        return None
    rows = [(f"{part.rows:,}", digits(part.expected), digits(part.right)) for part in known.parts]
    caption = "Training rows by confidence, the least first, each answered by a fit that did not see it"
    return table(("rows#", "expected to be right#", "right#"), rows, caption=caption)
