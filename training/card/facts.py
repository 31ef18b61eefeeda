"""The sections of the model card that say what the model is, from its manifest and from what people said of it."""

import json
import shlex
from itertools import pairwise
from typing import Any

from skylift.contract import Contract
from skylift.feature import Feature
from skylift.manifest import Manifest
from skylift.metrics import LeaderboardEntry
from skylift.names import listed
from skylift.pages.charts import Bar, bars
from skylift.pages.markup import Content, Markup, element, joined
from skylift.pages.parts import charts, digits, facts, figure, points, section, table
from skylift.pages.svg import Caption, described, numbers
from training.card.charts import columns
from training.card.parts import metric_name, spread_words
from training.config import CardSection
from training.data.profile import ColumnProfile, Profile
from training.evaluation.report import Evaluation

_MAX_FEATURES = 200
_MAX_PICTURES = 60
_MAX_SHARES = 20
_FEW_ROWS = 100

type TrainingDistribution = dict[str, Any]
"""What `baseline.json` holds: the training distribution."""


def use(manifest: Manifest, about: CardSection) -> Markup:
    """Intended use."""
    target = manifest.contract.target
    if target.classes:
        others = " and others" if len(target.keys) > 12 else ""
        positive = f" ({target.keys[1]} is the positive class)" if len(target.keys) == 2 else ""
        answers = f"one of {', '.join(target.keys[:12])}{others}, with probabilities{positive}"
    else:
        answers = f"a number{f' in {target.unit}' if target.unit else ''}"
    return section(
        "use",
        "Intended use",
        facts(
            [
                ("Purpose", about.purpose),
                ("Predicts", f"{target.name}: {answers}"),
                ("Not for", points(about.not_for) if about.not_for else None),
                ("Owners", ", ".join(about.owners)),
                ("Licence", about.licence),
            ]
        ),
        _untold(about),
    )


def data(manifest: Manifest, distribution: TrainingDistribution, profile: Profile, about: CardSection) -> Markup:
    """What it was made from."""
    lineage, contract = manifest.lineage, manifest.contract
    profiled = {column.name: column for column in profile.columns}
    rows = [
        (
            joined(feature.name, element("div", feature.description, class_="quiet") if feature.description else None),
            joined(feature.kind, f", {feature.unit}" if feature.unit else None),
            _values(feature, profiled[feature.name]),
            _missing(profiled[feature.name], profile.rows),
            _association(profiled[feature.name]),
            _distribution(index, feature, distribution["features"].get(feature.name, {})),
        )
        for index, feature in enumerate(contract.features[:_MAX_FEATURES])
    ]
    rest = len(contract.features) - len(rows)
    left_out = f" {rest} more are left out." if rest else ""
    split = (
        f"{lineage.data_rows:,}: {lineage.train_rows:,} training rows, {lineage.holdout_rows:,} holdout rows "
        f"({lineage.holdout:.0%}, seed {lineage.seed})"
    )
    return section(
        "data",
        "Data",
        facts(
            [
                ("Source", about.data),
                ("Digest", element("code", f"sha256:{lineage.data_sha256}")),
                ("Rows", split),
                ("Notes", points(lineage.notes) if lineage.notes else None),
            ]
        ),
        table(
            ("feature", "kind", "values", "missing#", "with the target#", "distribution"),
            rows,
            caption=f"Features over all rows, their distribution over the training rows.{left_out}",
        ),
        _balance(contract, distribution),
    )


def choice(manifest: Manifest, evaluation: Evaluation) -> Markup:
    """The leaderboard, or where a model comes from that was trained elsewhere."""
    if (adopted := manifest.lineage.adopted) is not None:
        origin = element(
            "p", f"Adopted from {adopted.file}, trained elsewhere, ", element("code", f"sha256:{adopted.sha256}")
        )
        return section("choice", "How it was chosen", origin, element("p", "Nothing was compared or cross-validated."))
    metrics = list(next(entry for entry in manifest.leaderboard if entry.scores).scores)
    ordered = [manifest.select_by, *(metric for metric in metrics if metric != manifest.select_by)]
    rows = [
        (
            joined(entry.candidate, element("div", entry.estimator.rpartition(".")[2], class_="quiet")),
            ", ".join(f"{name}={value}" for name, value in entry.params.items()) or "as scikit-learn has them",
            *_scores(entry, ordered),
        )
        for entry in manifest.leaderboard
    ]
    searches = [
        f"{one.candidate}: {one.tried:,} of {one.planned:,} {one.strategy} trials" for one in evaluation.searches
    ]
    dropped = [f"{entry.candidate}: {entry.dropped}" for entry in manifest.leaderboard if entry.dropped]
    paragraph = (
        f"By {metric_name(manifest.select_by)}, cross-validated on the training rows over {evaluation.folds} folds. "
        "The holdout took no part in it."
    )
    return section(
        "choice",
        "How it was chosen",
        element("p", paragraph),
        table(
            ("candidate", "parameters", *(f"{metric_name(metric)}#" for metric in ordered)),
            rows,
            caption="Candidates, best first",
            marked=0,
        ),
        facts(
            [
                ("Searched", points(searches) if searches else None),
                ("Dropped", points(dropped) if dropped else None),
            ]
        ),
    )


def limits(evaluation: Evaluation, about: CardSection) -> Markup:
    """What people know of its limits, and what was measured of them."""
    limitations: list[Content] = [
        *about.limits,
        "Outside the ranges above it guesses: such values, and unknown categories, are answered with a warning.",
        "Importance and partial dependence describe the model, not causes in the world.",
    ]
    if evaluation.rows < _FEW_ROWS:
        limitations.append(
            f"It was measured on {evaluation.rows} rows only: differences smaller than the intervals are noise."
        )
    if weak := [str(one.name) for one in evaluation.classes if one.support and one.recall < 0.5]:
        limitations.append(f"It finds fewer than half of the rows of: {', '.join(weak[:10])}.")
    if evaluation.slices and (worst := evaluation.slices.worst):
        limitations.append(f"It is worst where {worst.column} is {worst.value}.")
    return section("limits", "Limits", points([*limitations, *evaluation.notes]))


def call(manifest: Manifest) -> Markup:
    """A request to paste, and an answer."""
    body = json.dumps({"instances": [manifest.contract.example]}, ensure_ascii=False)
    command = f"curl \"$URL/predict\" -H 'content-type: application/json' \\\n  -d {shlex.quote(body)}"
    asked = json.dumps(manifest.golden.instances[0], ensure_ascii=False)
    answered = json.dumps(manifest.golden.predictions[0].model_dump(mode="json", exclude_none=True), ensure_ascii=False)
    return section(
        "call",
        "How to call it",
        element("p", "$URL is the address of the service: in a browser, a page to try it."),
        element("pre", element("code", command)),
        element("p", "A row of the holdout, and its answer:"),
        element("pre", element("code", f"{asked}\n{answered}")),
    )


def environment(manifest: Manifest) -> Markup:
    """What it was built with, and the digests that prove it."""
    lineage, compiled = manifest.lineage, manifest.compiled
    served = f"scikit-learn ({compiled.reason})"
    if compiled.format and compiled.dtype is None:
        served = f"{compiled.format}, {compiled.reason}"
    elif compiled.format:
        served = (
            f"{compiled.format} {compiled.dtype}, which matches scikit-learn on {compiled.rows:,} rows (largest "
            f"difference {compiled.max_abs_diff:.1g})"
        )
        if compiled.reason:
            served += f"; not in the exact form ({compiled.reason})"
    stored: list[tuple[str, Content]] = [
        (name, [element("code", f"sha256:{one.sha256}"), f", {one.bytes:,} bytes"])
        for name, one in manifest.artifacts.items()
    ]
    modules: list[Content] = [
        joined(f"{path} ", element("code", f"sha256:{digest}")) for path, digest in lineage.modules.items()
    ]
    return section(
        "environment",
        "Environment",
        facts(
            [
                ("Built with", ", ".join(f"{name} {version}" for name, version in manifest.environment.items())),
                ("Served by", served),
                ("model.yaml", element("code", f"sha256:{lineage.config_sha256}")),
                ("Own modules", points(modules) if modules else None),
                *stored,
            ]
        ),
    )


def _untold(about: CardSection) -> Markup | None:
    asked = {
        "purpose": about.purpose,
        "uses it is not for": about.not_for,
        "owners": about.owners,
        "licence": about.licence,
        "source of the data": about.data,
        "known limits": about.limits,
    }
    if not (missing := [name for name, said in asked.items() if not said]):
        return None
    paragraph = f"Not stated: {', '.join(missing)}. Add it under card in model.yaml."
    return element("p", paragraph, class_="quiet")


def _values(feature: Feature, column: ColumnProfile) -> Content:
    if feature.levels:
        more = column.distinct - len(column.top)
        frequent = ", ".join(f"{one.value} ({one.rows:,})" for one in column.top)
        shown = frequent + (f" and {more} more" if more > 0 else "")
        if not feature.rare:
            return shown
        rare = f"{feature.other} stands for {len(feature.rare):,} rare values: {listed(feature.rare)}"
        return [shown, element("div", rare, class_="quiet")]
    if column.min is None or column.max is None or column.mean is None:
        return "none"
    mean = column.mean if abs(column.mean) > 1e-12 * (column.max - column.min) else 0  # zero but for rounding
    low, high = column.quantiles.get("0.05"), column.quantiles.get("0.95")
    values = [column.min, column.max, mean, *([] if low is None or high is None else [low, high])]
    least, largest, average, *middle = numbers(values) if feature.is_numeric else map(feature.describe, values)
    words = ", ".join(f"{one.value} ({one.rows:,})" for one in column.top)
    return [
        f"{least} to {largest}, mean {average}",
        element("div", f"frequent words: {words}", class_="quiet") if words else None,
        element("div", f"nine in ten {' to '.join(middle)}", class_="quiet") if middle else None,
    ]


def _missing(column: ColumnProfile, rows: int) -> str:
    return "none" if column.missing == 0 else f"{column.missing / rows:.1%}"


def _association(column: ColumnProfile) -> Content:
    if column.correlation is None:
        return "none"
    return [f"{column.correlation:.2f}", element("div", column.measure, class_="quiet")]


def _distribution(index: int, feature: Feature, known: TrainingDistribution) -> Content:
    shares, edges = known.get("shares", []), known.get("edges", [])
    name = f"Distribution of {feature.name}"
    if index >= _MAX_PICTURES:
        return None
    if isinstance(shares, dict):
        first = dict(list(shares.items())[:_MAX_SHARES])
        description = ", ".join(f"{value} {share:.0%}" for value, share in first.items())
        return columns(Caption(f"data-{index}", name, description), list(first.values()), [1.0] * len(first))
    if len(edges) < 2:
        return None
    written = numbers(edges) if feature.kind != "datetime" else map(feature.describe, edges)
    description = f"Deciles: {', '.join(written)}"
    return columns(Caption(f"data-{index}", name, description), shares, [high - low for low, high in pairwise(edges)])


def _balance(contract: Contract, distribution: TrainingDistribution) -> Markup | None:
    target = contract.target
    if not target.classes:
        return None
    pairs = sorted(zip(target.keys, distribution["target"]["shares"], strict=True), key=lambda pair: -pair[1])[
        :_MAX_SHARES
    ]
    caption = Caption("balance", "Classes in the training rows", f"{described(dict(pairs))}.")
    return charts(
        figure(
            "Classes",
            "Share of the training rows.",
            bars(caption, [Bar(name, share, text=f"{share:.1%}") for name, share in pairs]),
        )
    )


def _scores(entry: LeaderboardEntry, ordered: list[str]) -> list[Content]:
    if not entry.scores:
        return [f"failed: {entry.failure}", *("" for _ in ordered[1:])]
    return [spread_words(entry.scores[ordered[0]]), *(digits(entry.scores[name].mean) for name in ordered[1:])]
