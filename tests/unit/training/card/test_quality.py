"""What the card says of how good a model is, and compared with what."""

from typing import Any

import pytest

from skylift.metrics import Gate, Interval
from skylift.pages.markup import Markup
from tests.support.models import trained_iris
from tests.support.pages import text_of
from training.card.pictures import MAX_CONFUSION
from training.card.quality import by_class, drivers, errors, quality, slices
from training.evaluation.report import Champion, DummyBaseline, Evaluation, Residuals, Slice, Slices
from training.metrics.intervals import Difference

CHAMPION = Champion(version="v3", reference="v3@sha256:0", max_regression=0.05)
WIDE = Interval(low=0.25, high=0.75, method="wilson")
OSLO = Slice(column="city", value="Oslo", rows=9, metrics={"accuracy": 0.5}, interval=WIDE)
ROME = Slice(column="city", value="Rome", rows=21, metrics={"accuracy": 0.875})


def evaluation(**parts: Any) -> Evaluation:
    return trained_iris().evaluation.model_copy(update=parts)


def text(section: Markup | None) -> str:
    assert section is not None
    return text_of(section)


class TestQuality:
    def shown(self, *gates: Gate, **parts: Any) -> str:
        return text(quality(evaluation(**parts), gates))

    def test_gates_say_whether_they_passed(self) -> None:
        shown = self.shown(
            Gate(metric="accuracy", min=0.9, value=0.95, passed=True),
            Gate(metric="log_loss", max=0.1, value=0.2, passed=False),
        )

        assert "accuracy 0.9500 (>= 0.9): passed" in shown
        assert "log_loss 0.2000 (<= 0.1): failed" in shown
        assert "No bounds were set in model.yaml." in self.shown()

    @pytest.mark.parametrize(
        ("on", "beaten", "words"),
        [
            ("holdout", True, "Accuracy 0.3333 on the holdout, this model 0.9667: beaten."),
            ("cross_validation", False, "Accuracy 0.3333 cross-validated, this model 0.9667: not beaten."),
        ],
    )
    def test_the_dummy_baseline_is_compared(self, on: Any, beaten: bool, words: str) -> None:
        baseline = DummyBaseline(
            strategy="prior", metric="accuracy", value=1 / 3, challenger=0.96666, on=on, beaten=beaten
        )

        assert words.casefold() in self.shown(baseline=baseline).casefold()

    def test_without_an_active_version_it_says_so(self) -> None:
        assert "No version was active." in self.shown(champion=None)

    @pytest.mark.parametrize(
        ("within_noise", "p_value", "words"),
        [
            (True, 0.5, "on the same rows: within chance (mcnemar, p = 0.500). 2 rows have another label."),
            (False, None, "on the same rows: more than chance (mcnemar). 2 rows have another label."),
        ],
    )
    def test_the_active_version_is_compared_on_the_same_rows(
        self, within_noise: bool, p_value: float | None, words: str
    ) -> None:
        difference = Difference(
            metric="accuracy", before=0.9, after=0.95, test="mcnemar", p_value=p_value, within_noise=within_noise
        )

        shown = self.shown(champion=CHAMPION.model_copy(update={"difference": difference, "changed_labels": 2}))

        assert "Against v3, active at the time" in shown
        assert words in shown

    def test_one_that_could_not_be_compared_says_why(self) -> None:
        champion = CHAMPION.model_copy(update={"reason": "it does regression"})

        assert "Not compared: it does regression." in self.shown(champion=champion)


class TestClasses:
    def test_a_regression_has_none(self) -> None:
        assert by_class(evaluation(classes=())) is None

    def test_of_too_many_for_a_picture_the_most_frequent_confusions_are_listed(self) -> None:
        count = MAX_CONFUSION + 1
        first = trained_iris().evaluation.classes[0]
        classes = tuple(first.model_copy(update={"name": f"c{number}"}) for number in range(count))
        counts = tuple(tuple(7 if (row, column) == (0, 3) else 0 for column in range(count)) for row in range(count))

        shown = text(by_class(evaluation(classes=classes, confusion=counts)))

        assert "The most frequent confusions" in shown
        assert "c0c37" in shown
        assert "darker is a larger share" not in shown

    def test_a_metric_that_cannot_be_told_is_unknown(self) -> None:
        first, *others = trained_iris().evaluation.classes
        classes = (first.model_copy(update={"roc_auc": None}), *others)

        assert "unknown" in text(by_class(evaluation(classes=classes)))
        assert "unknown" not in text(by_class(evaluation()))


class TestErrors:
    def test_a_classification_has_none(self) -> None:
        assert errors(evaluation(residuals=None)) is None

    @pytest.mark.parametrize(("bias", "words"), [(1.5, "1.5000 too high"), (-1.5, "1.5000 too low")])
    def test_they_have_quantiles_and_a_direction(self, bias: float, words: str) -> None:
        residuals = Residuals(quantiles={"0.5": 2.0, "1": 30.0}, bias=bias, true=(), predicted=())

        shown = text(errors(evaluation(residuals=residuals)))

        assert "50% of rows2.0000" in shown
        assert "all rows30.00" in shown
        assert words in shown


class TestSlices:
    def test_without_any_it_says_how_to_have_them(self) -> None:
        assert "name the columns under evaluation.slices in model.yaml" in text(slices(evaluation(slices=None)))

    def test_the_worst_is_named_and_marked(self) -> None:
        section = slices(evaluation(slices=Slices(metric="accuracy", slices=(ROME, OSLO), worst=OSLO)))

        assert "Worst: city: Oslo, accuracy 0.5000 on 9 rows." in text(section).replace("Accuracy", "accuracy")
        assert '<tr class="marked"><th scope="row">city: Oslo</th>' in section

    def test_where_none_has_enough_rows_it_says_so(self) -> None:
        shown = text(slices(evaluation(slices=Slices(metric="accuracy", slices=(OSLO,)))))

        assert "No slice has enough rows to tell." in shown


def test_without_importance_there_are_no_feature_effects() -> None:
    assert drivers(evaluation(importance=())) is None
    assert "Partial dependence" in text(drivers(evaluation()))
    assert "Partial dependence" not in text(drivers(evaluation(effects=())))
