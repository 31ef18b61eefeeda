"""Puts the model card together.

It opens without a network, prints, follows light and dark, and holds no script. Whatever comes from the table or from
`model.yaml` is escaped by `skylift.pages.markup`.
"""

from skylift.manifest import Manifest
from skylift.model_card import ORIGIN_SLOT, REFERENCE_SLOT
from skylift.pages.document import contents, document, tiles
from skylift.pages.markup import Content, Markup, element, joined
from skylift.pages.parts import digits, verdict
from training.card.decision import decision, promise, recalibration
from training.card.expectation import expectation
from training.card.facts import TrainingDistribution, call, choice, data, environment, limits, use
from training.card.parts import between, metric_name
from training.card.quality import by_class, drivers, errors, quality, slices
from training.config import CardSection
from training.data.profile import Profile
from training.evaluation.report import Evaluation


def render_card(
    manifest: Manifest,
    evaluation: Evaluation,
    *,
    distribution: TrainingDistribution,
    profile: Profile,
    about: CardSection,
) -> bytes:
    """Write the card.

    Parameters
    ----------
    manifest
        Manifest of the version before it is published. The card does not say what only publishing knows.
    distribution
        The training distribution; see `training.release.distribution.training_distribution`.
    profile
        Profile of the whole table.
    about
        Information for people from `model.yaml`.
    """
    sections = [
        ("use", "Intended use", use(manifest, about)),
        ("data", "Data", data(manifest, distribution, profile, about)),
        ("choice", "How it was chosen", choice(manifest, evaluation)),
        ("quality", "How good it is", quality(evaluation, manifest.gates)),
        ("classes", "By class", by_class(evaluation)),
        ("recalibration", "Calibrated", recalibration(evaluation)),
        ("decision", "Decision", decision(evaluation)),
        ("errors", "Errors", errors(evaluation)),
        ("promise", "How sure", promise(evaluation)),
        ("drivers", "Feature effects", drivers(evaluation)),
        ("slices", "Error by slice", slices(evaluation)),
        ("expectation", "After release", expectation(distribution)),
        ("limits", "Limits", limits(evaluation, about)),
        ("call", "How to call it", call(manifest)),
        ("environment", "Environment", environment(manifest)),
    ]
    shown = {key: name for key, name, content in sections if content}
    title = about.title or manifest.model
    header = element("header", element("h1", title), _subtitle(manifest), _tiles(manifest, evaluation), contents(shown))
    return document(f"{title}: model card", header, element("main", *(content for _, _, content in sections)))


def _subtitle(manifest: Manifest) -> Markup:
    target = manifest.contract.target
    unit = f" in {target.unit}" if target.unit else ""
    subtitle = (
        f"Model card of {manifest.model}: a {manifest.contract.task} of {target.name}{unit} by {manifest.selected}."
    )
    slots = (element("p", Markup(slot), class_="quiet") for slot in (REFERENCE_SLOT, ORIGIN_SLOT))
    return joined(element("p", subtitle), *slots)


def _tiles(manifest: Manifest, evaluation: Evaluation) -> Markup:
    cells: list[Content] = []
    if (chosen := evaluation.metrics.get(evaluation.select_by)) is not None:
        interval = f"{between(chosen.interval)} ({evaluation.level:.0%})" if chosen.interval else None
        cells.append(
            [f"{metric_name(evaluation.select_by)}, holdout", element("strong", digits(chosen.value)), interval]
        )
        if (spread := chosen.cross_validated) is not None:
            deviation = f"\N{PLUS-MINUS SIGN} {digits(spread.std, like=spread.mean)} over {evaluation.folds} folds"
            cells.append(["cross-validated", element("strong", digits(spread.mean)), deviation])
        if chosen.baseline is not None:
            beaten = verdict(evaluation.baseline.beaten, "beaten", "not beaten")
            cells.append(["dummy baseline", element("strong", digits(chosen.baseline)), beaten])
    measured = f"{evaluation.rows:,} of them measured on"
    cells.append(["rows", element("strong", f"{manifest.lineage.data_rows:,}"), measured])
    if manifest.gates:
        passed = f"{sum(gate.passed for gate in manifest.gates)} of {len(manifest.gates)}"
        cells.append(["gates passed", element("strong", passed)])
    return tiles(cells)
