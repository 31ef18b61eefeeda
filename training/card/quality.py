"""The sections of the model card that say how good the model is, from its evaluation."""

from collections.abc import Iterator, Sequence

from skylift.contract import class_key
from skylift.metrics import Gate
from skylift.pages.charts import MAX_SERIES, Bar, bars
from skylift.pages.markup import Content, Markup, element, joined
from skylift.pages.parts import charts, digits, facts, figure, points, section, table, verdict
from skylift.pages.svg import Caption, described
from training.card.parts import between, metric_meaning, metric_name, spread_words
from training.card.pictures import (
    MAX_BARS,
    MAX_CONFUSION,
    calibration_picture,
    confusion_picture,
    curves_picture,
    effect_label,
    effect_picture,
    importance_picture,
    residuals_picture,
)
from training.evaluation.class_report import ClassReport
from training.evaluation.report import Champion, Evaluation, Slice

_MAX_CLASS_ROWS = 100
_MAX_SLICES = 60


def quality(evaluation: Evaluation, gates: tuple[Gate, ...]) -> Markup:
    """Metrics with their intervals, the bounds they had to keep, and what they were compared with."""
    level = f"{evaluation.level:.0%}"
    rows = [
        (
            joined(metric_name(name), element("div", metric_meaning(name), class_="quiet")),
            digits(one.value),
            between(one.interval),
            spread_words(one.cross_validated),
            "" if one.baseline is None else digits(one.baseline),
            "higher" if one.higher_is_better else "lower",
        )
        for name, one in evaluation.metrics.items()
    ]
    drawn = "" if evaluation.clusters is None else f", as {evaluation.clusters:,} groups or blocks of time"
    trained = "that no candidate was trained on" if evaluation.folds else "that the model may have been trained on"
    folds = (
        f"Cross-validated: mean and spread over {evaluation.folds} folds of the {evaluation.train_rows:,} training "
        "rows."
        if evaluation.folds
        else "It was trained elsewhere, and not cross-validated."
    )
    caption = (
        f"Measured once on {evaluation.rows:,} rows {trained}. Intervals: {level}, from "
        f"{evaluation.resamples:,} bootstrap resamples of these rows{drawn}. {folds}"
    )
    columns = ("metric", "holdout#", f"{level} interval#", "cross-validated#", "dummy baseline#", "better is")
    names = list(evaluation.metrics)
    chosen = names.index(evaluation.select_by) if evaluation.select_by in names else None
    judged = [[f"{gate}: ", verdict(gate.passed, "passed", "failed")] for gate in gates]
    checks = [
        [element("b", check.name), ": ", verdict(check.passed, "passed", "failed"), f", {check.detail}"]
        for check in evaluation.behaviour
    ]
    return section(
        "quality",
        "How good it is",
        table(columns, rows, caption=caption, marked=chosen),
        _comparisons(evaluation),
        element("h3", "Gates"),
        points(judged) if judged else element("p", "No bounds were set in model.yaml."),
        [element("h3", "Behaviour"), points(checks)] if checks else None,
    )


def by_class(evaluation: Evaluation) -> Markup | None:
    """Each class, what it is taken for, and whether its probabilities can be believed."""
    if not evaluation.classes:
        return None
    classes = sorted(evaluation.classes, key=lambda one: -one.support)[:_MAX_CLASS_ROWS]
    measured = ("precision", "recall", "f1", "roc_auc", "average_precision")
    rows = [
        (class_key(one.name), f"{one.support:,}", *(_with_interval(one, name) for name in measured)) for one in classes
    ]
    rest = len(evaluation.classes) - len(classes)
    caption = f"Each class against the others, on the holdout.{_left_out(rest, 'rarer classes')}"
    columns = ("class", "rows#", "precision#", "recall#", "F1#", "ROC-AUC#", "average precision#")
    pictures = charts(*_class_pictures(evaluation, classes))
    return section("classes", "By class", table(columns, rows, caption=caption), pictures)


def errors(evaluation: Evaluation) -> Markup | None:
    """The errors of a regression."""
    residuals = evaluation.residuals
    if residuals is None:
        return None
    rows = [
        (f"{float(level):.0%} of rows" if float(level) < 1 else "all rows", digits(value))
        for level, value in residuals.quantiles.items()
    ]
    direction = "high" if residuals.bias > 0 else "low"
    picture = None
    if residuals.true:
        note = "On the dashed line the prediction is right."
        picture = charts(figure("Predicted and true", note, residuals_picture(residuals)))
    return section(
        "errors",
        "Errors",
        table(("", "absolute error at most#"), rows, caption="Errors on the holdout"),
        element("p", f"On average the predictions are {digits(abs(residuals.bias))} too {direction}."),
        picture,
    )


def drivers(evaluation: Evaluation) -> Markup | None:
    """Which features the model uses, and how the answer changes with them."""
    if not evaluation.importance:
        return None
    note = (
        f"How much worse {metric_name(evaluation.select_by)} gets where a feature's values are shuffled. "
        "Whiskers: one standard deviation over the repeats."
        f"{_left_out(len(evaluation.importance) - MAX_BARS, 'less important features')}"
    )
    effects = [
        figure(effect.feature, effect_label(effect), effect_picture(effect, key=f"effect-{index}"))
        for index, effect in enumerate(evaluation.effects)
    ]
    about = (
        "Partial dependence: the mean answer where the feature has this value in every row, whether or not such rows "
        "exist. Features that move together share what they explain."
    )
    return section(
        "drivers",
        "Feature effects",
        charts(figure("Permutation importance", note, importance_picture(evaluation))),
        [
            element("h3", "Partial dependence"),
            element("p", about, class_="quiet"),
            charts(*effects),
        ]
        if effects
        else None,
    )


def slices(evaluation: Evaluation) -> Markup:
    """Whether it is worse for some rows than for others."""
    cut = evaluation.slices
    if cut is None or not cut.slices:
        hint = "Not examined: name the columns under evaluation.slices in model.yaml."
        return section("slices", "Error by slice", element("p", hint))
    parts, worst, metric = cut.slices[:_MAX_SLICES], cut.worst, metric_name(cut.metric)
    rows = [
        (_slice_name(one), f"{one.rows:,}", digits(one.metrics.get(cut.metric)), between(one.interval)) for one in parts
    ]
    summary: list[Content] = ["No slice has enough rows to tell."]
    if worst is not None:
        value = digits(worst.metrics.get(cut.metric))
        summary = ["Worst: ", element("b", _slice_name(worst)), f", {metric} {value} on {worst.rows:,} rows."]
    known = [one for one in parts if cut.metric in one.metrics][:MAX_BARS]
    drawn = [
        Bar(
            _slice_name(one),
            one.metrics[cut.metric],
            (one.interval.low, one.interval.high) if one.interval else None,
            marked=one == worst,
        )
        for one in known
    ]
    description = described({bar.label: bar.value for bar in drawn})
    caption = Caption("by-slice", f"{metric} by slice", f"{description}.")
    heading = f"{metric[:1].upper()}{metric[1:]} by slice"
    return section(
        "slices",
        "Error by slice",
        element("p", *summary),
        table(
            ("slice", "rows#", f"{metric}#", f"{evaluation.level:.0%} interval#"),
            rows,
            caption="The holdout, cut by the columns that model.yaml names",
            marked=next((index for index, one in enumerate(parts) if one == worst), None),
        ),
        charts(figure(heading, "The worst slice stands out.", bars(caption, drawn))) if drawn else None,
    )


def _slice_name(one: Slice) -> str:
    return f"{one.column}: {one.value}"


def _left_out(count: int, what: str) -> str:
    return f" {count} {what} are left out." if count > 0 else ""


def _with_interval(one: ClassReport, name: str) -> Content:
    value: float | None = getattr(one, name)
    if value is None:
        return "unknown"
    interval = one.intervals.get(name)
    return [digits(value), element("div", between(interval), class_="quiet") if interval else None]


def _comparisons(evaluation: Evaluation) -> Markup:
    baseline, champion = evaluation.baseline, evaluation.champion
    name = metric_name(baseline.metric)
    where = "on the holdout" if baseline.on == "holdout" else "cross-validated"
    sentence = (
        f"A constant prediction ({baseline.strategy}) has {name} {digits(baseline.value)} {where}, this "
        f"model {digits(baseline.challenger)}: "
    )
    rows: list[tuple[str, Content]] = [
        ("Against the dummy baseline", [sentence, verdict(baseline.beaten, "beaten", "not beaten"), "."])
    ]
    if champion is None:
        rows.append(("Against the active version", "No version was active."))
    else:
        rows.append((f"Against {champion.version}, active at the time", _against(champion)))
    return facts(rows)


def _against(champion: Champion) -> str:
    difference = champion.difference
    if difference is None:
        return f"Not compared: {champion.reason or 'nothing could be measured'}."
    p_value = "" if difference.p_value is None else f", p = {difference.p_value:.3f}"
    conclusion = "within chance" if difference.within_noise else "more than chance"
    labels = f" {champion.changed_labels:,} rows have another label." if champion.changed_labels else ""
    return (
        f"{metric_name(difference.metric)} {digits(difference.before)} before, {digits(difference.after)} now, on the "
        f"same rows: {conclusion} ({difference.test}{p_value}).{labels}"
    )


def _class_pictures(evaluation: Evaluation, classes: Sequence[ClassReport]) -> Iterator[Content]:
    if evaluation.confusion and len(evaluation.classes) <= MAX_CONFUSION:
        note = "Rows are true, columns predicted; darker is a larger share of the row."
        yield figure("Confusion", note, confusion_picture(evaluation))
    elif evaluation.confusion:
        yield _confusions(evaluation)
    if evaluation.calibration is not None:
        note = f"On the dashed line probabilities are true. Expected error {digits(evaluation.calibration.ece)}."
        yield figure("Calibration", note, calibration_picture(evaluation))
    two = len(evaluation.classes) == 2  # of which one's curves mirror the other's
    drawn = [one for one in (evaluation.classes[1:] if two else classes) if one.roc is not None][:MAX_SERIES]
    note = _left_out(0 if two else len(evaluation.classes) - len(drawn), "classes")
    if drawn:
        whose = f" For {class_key(drawn[0].name)}." if two else ""
        roc, precision_recall = curves_picture(drawn, "roc"), curves_picture(drawn, "precision_recall")
        yield figure("ROC", f"Rows found against false alarms; dashed is chance.{whose}{note}", roc)
        yield figure("Precision and recall", f"How right, against how many are found.{whose}{note}", precision_recall)


def _confusions(evaluation: Evaluation) -> Markup:
    names = [class_key(one.name) for one in evaluation.classes]
    pairs = [
        (count, names[true], names[predicted])
        for true, row in enumerate(evaluation.confusion)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    rows = [(true, predicted, f"{count:,}") for count, true, predicted in sorted(pairs, reverse=True)[:MAX_BARS]]
    return table(("true", "predicted", "rows#"), rows, caption="The most frequent confusions")
