"""What is measured and what is served take a label from scores by one function, `skylift.scoring.predicted_classes`."""

import re

import pytest

from tests.support.paths import ROOT

RULE = ROOT / "layers" / "skylift" / "scoring.py"
PLAIN_SERVICE = ROOT / "benchmarks" / "baseline"
"""What Skylift is compared with: a service that knows nothing of it."""
PLAIN_LOOP = ROOT / "benchmarks" / "batch.py"
"""It holds the loop that most people would write, to compare with."""

CONVERTERS = {path for path in (ROOT / "training" / "compile").glob("*.py") if path.name != "compilation.py"}
"""They write down what an estimator does inside, its votes among it."""

SOURCES = [
    path
    for folder in ("layers", "functions", "training", "deploy", "benchmarks", "notebooks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".ipynb"}
    and path not in {RULE, PLAIN_LOOP, *CONVERTERS}
    and not path.is_relative_to(PLAIN_SERVICE)
]
OTHER_RULES = re.compile(r"argmax\((\w+, *)?(axis=)?-?1\)|idxmax\((axis=)?(1|[\"']columns[\"'])\)|estimator\.predict\(")


@pytest.mark.parametrize(
    "text", ["scores.argmax(axis=1)", "scores.argmax(1)", "np.argmax(scores, axis=-1)", "frame.idxmax(axis=1)"]
)
def test_other_ways_to_take_a_label_are_recognised(text: str) -> None:
    assert OTHER_RULES.search(text)
    assert len(SOURCES) > 100


def test_no_source_takes_a_label_in_another_way() -> None:
    other = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if OTHER_RULES.search(line)
    ]

    assert other == []
