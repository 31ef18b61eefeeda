"""What the judge says, as it is kept and as people read it."""

from collections.abc import Iterator
from typing import Literal

from skylift.documents import Document

type Outcome = Literal["promote", "reject", "inconclusive"]
type State = Literal["broken", "held", "open", "reported"]

_MOST_REASONS = 5


class Finding(Document):
    """One thing that was compared.

    Parameters
    ----------
    state
        `broken`: certainly worse; `held`: the limit is certainly kept; `open`: neither yet; `reported`: no limit to
        wait for.
    challenger, champion
        Counts of both sides: errors, refusals, rows that this side alone answered right. Of pairs: those beyond the
        budget or with another label, and the others.
    e_value, rejects_at
        Evidence now, and from which on the challenger is rejected; None where it is not rejected for this.
    value, low, high
        Difference to the champion, or share of the rows, with its confidence sequence; None where nothing is known.
    limit
        Largest value that is promoted.
    unit
        `share`, or `ms`.
    of_pairs
        Whether only requests that both sides scored can say more of it: those of a shadow.
    """

    name: str
    state: State
    challenger: int
    champion: int
    e_value: float
    rejects_at: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    unit: Literal["share", "ms"] = "share"
    of_pairs: bool = False


class Verdict(Document):
    """What counts of an experiment say.

    Parameters
    ----------
    outcome
        None while the experiment has to go on.
    reason
        The outcome in words, or what it waits for.
    minutes
        Time from the beginning to the last look.
    stopped_after
        Minutes after which the judge first rejected; None if it did not.
    alpha, beta
        Probabilities of rejecting a challenger that is no worse, and of promoting one beyond a limit.
    """

    outcome: Outcome | None = None
    reason: str
    minutes: float
    stopped_after: float | None = None
    alpha: float
    beta: float
    challenger_requests: int
    champion_requests: int
    findings: tuple[Finding, ...]

    def lines(self) -> Iterator[str]:
        """The verdict for people, at most twenty lines of 100 columns."""
        yield f"{self.outcome or 'not decided'}: {self.reason}"[:100]
        stopped = "" if self.stopped_after is None else f"; it would have stopped after {self.stopped_after:,.0f}"
        yield f"looked at after {self.minutes:,.0f} minutes{stopped}"
        yield f"{'':<34}{'challenger':>11}{'champion':>11}{'e-value':>11}{'rejects at':>11}  difference"
        yield f"{'requests':<34}{self.challenger_requests:>11,}{self.champion_requests:>11,}"
        refusals = 0
        for finding in self.findings:
            refusals += finding.name.startswith("refusals")
            if finding.name.startswith("refusals") and refusals > _MOST_REASONS:
                continue
            yield _line(finding)
        if refusals > _MOST_REASONS:
            yield f"and {refusals - _MOST_REASONS} more reasons of refusals, with less evidence"


def _line(finding: Finding) -> str:
    at = "" if finding.rejects_at is None else f"{finding.rejects_at:,.0f}"
    evidence = "" if finding.rejects_at is None else f"{finding.e_value:.3g}"
    interval = ""
    if finding.value is not None:
        low, high = (_amount(end, finding.unit) for end in (finding.low, finding.high))
        limit = "" if finding.limit is None else f", limit {_amount(finding.limit, finding.unit)}"
        interval = f"{_amount(finding.value, finding.unit)} ({low} to {high}{limit})"
    name = f"{finding.name} [{finding.state}]"
    return f"{name[:33]:<34}{finding.challenger:>11,}{finding.champion:>11,}{evidence:>11}{at:>11}  {interval}".rstrip()


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    return f"{value:g} ms" if unit == "ms" else f"{100 * value:.2f}%"
