"""A default model is measured beside plain boosting, and told as a page."""

from datetime import UTC, datetime

from benchmarks.model_choice import Outcome, Outcomes, render

CHURN = Outcome(
    table="churn",
    about="customers who leave",
    rows=7_043,
    features=19,
    seconds=21.4,
    cpu_seconds=30.1,
    metric="log_loss",
    score=0.41234,
    plain=0.43999,
    plain_cpu_seconds=0.8,
    selected="boosting",
    compiled="skylift",
    row_microseconds=24.6,
)


def page(*tables: Outcome) -> str:
    return render(Outcomes(date=datetime(2026, 5, 1, tzinfo=UTC), cores=2, load_average_before=0.1, tables=tables))


def test_each_table_is_a_line_with_both_scores() -> None:
    line = page(CHURN).splitlines()[-1]

    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == [
        "churn: customers who leave", "7,043 x 19", "21", "30", "log_loss", "0.4123", "0.4400", "0.8", "boosting",
        "skylift", "25",
    ]  # fmt: skip


def test_what_is_not_compiled_says_so() -> None:
    assert "| svm | no |" in page(CHURN.model_copy(update={"selected": "svm", "compiled": None}))
