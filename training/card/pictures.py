"""The pictures of an evaluation; MLflow shows them beside a run as well."""

from collections.abc import Sequence

from skylift.contract import class_key
from skylift.pages.charts import MAX_SERIES, Bar, Line, bars, lines
from skylift.pages.markup import Markup
from skylift.pages.svg import Caption, Range, described, numbers
from training.card.charts import heat_map
from training.card.charts import points as scatter
from training.evaluation.class_report import CalibrationBin, ClassReport, Curve
from training.evaluation.report import Effect, Evaluation, Residuals

MAX_BARS = 15
"""Longer lists are tables."""

MAX_CONFUSION = 15
"""Classes of which a square of counts can still be read."""


def confusion_picture(evaluation: Evaluation) -> Markup:
    """What each class is taken for."""
    names = [class_key(one.name) for one in evaluation.classes]
    description = "; ".join(
        f"{name}: {row[index]} of {sum(row)} right"
        + "".join(f", {count} taken for {names[other]}" for other, count in enumerate(row) if count and other != index)
        for index, (name, row) in enumerate(zip(names, evaluation.confusion, strict=True))
    )
    caption = Caption("confusion", "Confusion matrix", description + ".")
    return heat_map(caption, names, evaluation.confusion, x="predicted", y="rows are the true classes")


def calibration_picture(evaluation: Evaluation) -> Markup:
    """Probabilities against how often they were right."""
    bins: tuple[CalibrationBin, ...] = evaluation.calibration.bins if evaluation.calibration else ()
    description = "; ".join(f"said {one.predicted:.0%}, right {one.observed:.0%} of {one.rows} rows" for one in bins)
    line = Line("predicted class", [one.predicted for one in bins], [one.observed for one in bins], dots=True)
    x, y = Range(0, 1, "probability of the predicted class"), Range(0, 1, "share that was right")
    return lines(Caption("calibration", "Calibration", description + "."), [line], x=x, y=y, ideal=True)


def curves_picture(classes: Sequence[ClassReport], kind: str) -> Markup:
    """ROC or precision-recall curves; `kind` is `roc` or `precision_recall`."""
    roc = kind == "roc"
    areas = {class_key(one.name): (one.roc_auc if roc else one.average_precision) or 0.0 for one in classes}
    title = "ROC curves" if roc else "Precision-recall curves"
    caption = Caption(kind.replace("_", "-"), title, f"Area by class: {described(areas)}.")
    series = []
    for one in classes:
        curve: Curve | None = getattr(one, kind)
        if curve is not None:
            series.append(Line(class_key(one.name), curve.x, curve.y))
    x = Range(0, 1, "false positive rate" if roc else "recall")
    y = Range(0, 1, "true positive rate" if roc else "precision")
    return lines(caption, series, x=x, y=y, ideal=roc)


def residuals_picture(residuals: Residuals) -> Markup:
    """Predicted against true values."""
    side = Range.around((*residuals.true, *residuals.predicted), "")
    true, predicted = (
        " to ".join(numbers([min(values), max(values)])) for values in (residuals.true, residuals.predicted)
    )
    description = f"{len(residuals.true)} rows of the holdout. True values from {true}, predicted from {predicted}."
    x, y = Range(side.low, side.high, "true"), Range(side.low, side.high, "predicted")
    return scatter(
        Caption("residuals", "Predicted and true values", description), residuals.true, residuals.predicted, x=x, y=y
    )


def importance_picture(evaluation: Evaluation) -> Markup:
    """What the model loses without each feature."""
    first = evaluation.importance[:MAX_BARS]
    description = described({one.feature: one.mean for one in first})
    rows = [Bar(one.feature, one.mean, (one.mean - one.std, one.mean + one.std)) for one in first]
    return bars(Caption("importance", "Permutation importance", f"Loss by feature: {description}."), rows)


def effect_label(effect: Effect) -> str:
    """What the lines or bars of an effect measure."""
    keys = _shown(effect)
    return "mean answer" if keys == ["value"] else f"probability of {keys[0]}" if len(keys) == 1 else "probability"


def effect_picture(effect: Effect, *, key: str) -> Markup:
    """The mean answer along a feature."""
    keys, label = _shown(effect), effect_label(effect)
    description = "; ".join(
        f"{name} from {' to '.join(numbers([effect.answers[name][0], effect.answers[name][-1]]))}" for name in keys
    )
    caption = Caption(key, f"Partial dependence on {effect.feature}", f"Along {effect.feature}: {description}.")
    numeric = [float(value) for value in effect.grid if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numeric) == len(effect.grid) and min(numeric) < max(numeric):
        values = [value for name in keys for value in effect.answers[name]]
        y = Range.around(values, label) if keys == ["value"] else Range(0, 1, label)
        series = [Line(name, numeric, effect.answers[name], dots=True) for name in keys]
        return lines(caption, series, x=Range(min(numeric), max(numeric), effect.feature), y=y)
    rows = [
        Bar(value if len(keys) == 1 else f"{value}: {name}", effect.answers[name][place], series=index)
        for place, value in enumerate(_written(value) for value in effect.grid)
        for index, name in enumerate(keys)
    ]
    return bars(caption, rows[: 2 * MAX_BARS])


def _shown(effect: Effect) -> list[str]:
    """The series to draw; of two classes, one mirrors the other."""
    keys = list(effect.answers)
    return keys[1:] if len(keys) == 2 else keys[:MAX_SERIES]


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
