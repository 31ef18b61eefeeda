"""The pictures of an evaluation as files of their own, for tools that show files: MLflow."""

from skylift.pages.document import stylesheet
from skylift.pages.markup import Markup, element
from training.card.pictures import (
    MAX_CONFUSION,
    calibration_picture,
    confusion_picture,
    curves_picture,
    effect_picture,
    importance_picture,
    residuals_picture,
)
from training.evaluation.report import Evaluation

_ALONE = ":root { color-scheme: light; background: #fff; width: 720px; padding: 8px; }"


def plots(evaluation: Evaluation) -> dict[str, bytes]:
    """SVG files by name, those that there are numbers for."""
    drawn: dict[str, Markup] = {}
    if evaluation.confusion and len(evaluation.classes) <= MAX_CONFUSION:
        drawn["confusion"] = confusion_picture(evaluation)
    if evaluation.calibration is not None:
        drawn["calibration"] = calibration_picture(evaluation)
    if curved := [one for one in evaluation.classes if one.roc is not None]:
        drawn["roc"] = curves_picture(curved, "roc")
        drawn["precision-recall"] = curves_picture(curved, "precision_recall")
    if evaluation.residuals is not None and evaluation.residuals.true:
        drawn["residuals"] = residuals_picture(evaluation.residuals)
    if evaluation.importance:
        drawn["importance"] = importance_picture(evaluation)
    for index, effect in enumerate(evaluation.effects):
        drawn[f"effect-{index}"] = effect_picture(effect, key="effect")
    style = element("style", Markup(stylesheet() + _ALONE))
    return {f"plots/{name}.svg": _alone(picture, style) for name, picture in drawn.items()}


def _alone(picture: Markup, style: Markup) -> bytes:
    """The picture with its colours, which in a document are the document's."""
    return picture.replace("<title ", f"{style}<title ", 1).encode()
