"""The sections of the model card that say how scores become answers: by which threshold, and how sure."""

from skylift.contract import class_key
from skylift.pages.charts import Line, lines
from skylift.pages.markup import Content, Markup, element
from skylift.pages.parts import charts, digits, facts, figure, section
from skylift.pages.svg import Caption, Range, numbers
from training.card.parts import metric_name
from training.evaluation.class_report import Curve, Decision
from training.evaluation.report import Evaluation

_SHOWN = 4
"""The curve is drawn up to so many times the threshold: of a rare class the rest is empty."""


def decision(evaluation: Evaluation) -> Markup | None:
    """The threshold and what it is good for; None where the label is the most probable class."""
    if (chosen := evaluation.decision) is None:
        return None
    positive = class_key(chosen.positive)
    rows: list[tuple[str, Content]] = [
        ("Label", f"{positive} where its probability is above {digits(chosen.threshold)}, whatever the other's is."),
        ("Chosen", _way(chosen, positive)),
    ]
    name = measure(chosen)
    for where, value, usual in (
        ("On answers out of fold", chosen.value, chosen.usual),
        ("On the holdout", chosen.holdout, chosen.holdout_usual),
    ):
        if value is not None:
            rows.append((where, f"{name} {digits(value)}; {digits(usual)} if the label were the most probable class."))
    picture = None
    if chosen.curve is not None:
        note = "Of training rows, each answered by a fit that did not see it. The dot is the threshold."
        drawn = decision_picture(chosen, chosen.curve)
        picture = charts(figure(f"{name[:1].upper()}{name[1:]} by threshold", note, drawn))
    return section("decision", "Decision", facts(rows), picture)


_WAYS = {
    "temperature": "A temperature: log probabilities times one number, then made to add up to 1 again.",
    "sigmoid": "A sigmoid of each probability (Platt), then shares of their sum.",
    "isotonic": "A rising line through each probability, then shares of their sum.",
}


def recalibration(evaluation: Evaluation) -> Markup | None:
    """How much truer calibration made probabilities; None where they are answered as the candidate gives them."""
    if (found := evaluation.recalibration) is None:
        return None
    rows: list[tuple[str, Content]] = [("By", _WAYS[found.method])]
    for where, before, after in (
        ("On answers out of fold", found.before, found.after),
        ("On the holdout", found.holdout_before, found.holdout_after),
    ):
        losses, errors = (
            f"{digits(one)} before, {digits(other)} after"
            for one, other in ((before.log_loss, after.log_loss), (before.ece, after.ece))
        )
        rows.append((where, f"log loss {losses}; expected calibration error {errors}."))
    note = "Learned from training rows, each answered by a fit that did not see it."
    return section("recalibration", "Calibrated probabilities", facts(rows), element("p", note))


def promise(evaluation: Evaluation) -> Markup | None:
    """Whether intervals or prediction sets hold what they promise; None of a version without them."""
    if (covered := evaluation.coverage) is None:
        return None
    of_sets = covered.bins is None
    shares = f"{covered.covered:.1%} ({covered.interval.low:.1%} to {covered.interval.high:.1%})"
    rows: list[tuple[str, Content]] = [
        ("Level", f"{covered.level:.6g} of the true {'classes' if of_sets else 'values'} are to be within."),
        ("On the holdout", f"{shares} of {covered.rows:,} rows were."),
        ("Classes in a set, on average" if of_sets else "Width, on average", digits(covered.size)),
    ]
    if of_sets:
        rows.append(("Asked for", "By POST /predict?set=true."))
    elif covered.bins and covered.bins > 1:
        rows.append(("Margins", f"Of each of {covered.bins} bins of predicted values: errors spread with the value."))
    note = "Learned from training rows, each answered by a fit that did not see it: rows that differ are not covered."
    return section("promise", "Prediction sets" if of_sets else "Intervals", facts(rows), element("p", note))


def measure(chosen: Decision) -> str:
    """Name of what a threshold was chosen by."""
    return "mean cost of a row" if chosen.by == "cost" else metric_name(chosen.by)


def decision_picture(chosen: Decision, curve: Curve) -> Markup:
    """What each threshold gives."""
    end = min(_SHOWN * chosen.threshold, 1.0)
    shown = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if x <= end]
    name, value = measure(chosen), 0.0 if chosen.value is None else chosen.value
    x, y = [point for point, _ in shown], [point for _, point in shown]
    ends = " to ".join(numbers([min(y, default=value), max(y, default=value)]))
    described = f"From {ends}; {digits(value)} at {digits(chosen.threshold)}."
    series = [Line(name, x, y), Line("threshold", [chosen.threshold], [value], dots=True)]
    return lines(
        Caption("decision", f"{name} by threshold", described),
        series,
        x=Range(0, end, f"threshold for {class_key(chosen.positive)}"),
        y=Range.around([*y, value], name),
    )


def _way(chosen: Decision, positive: str) -> str:
    if chosen.by == "threshold":
        return "By model.yaml."
    if chosen.cost_false_negative is None or chosen.cost_false_positive is None:
        return f"For the best {metric_name(chosen.by)} of answers out of fold."
    missed, alarm = digits(chosen.cost_false_negative), digits(chosen.cost_false_positive)
    return f"For the least cost of answers out of fold: a missed {positive} costs {missed}, a false one {alarm}."
