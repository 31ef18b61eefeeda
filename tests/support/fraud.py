"""A table of payments of which three in a thousand are fraud, made from a seed."""

import numpy as np

ROWS = 4_000
POSITIVES = 12
"""Frauds in a table of `ROWS` rows: 0.3%."""


def payments(rows: int = ROWS, positives: int = POSITIVES, *, seed: int = 3, apart: float = 2.0) -> str:
    """The table as text, with the target `fraud`, yes or no.

    Parameters
    ----------
    apart
        Distance between the means of the two classes, in standard deviations.
    """
    generator = np.random.default_rng(seed)
    fraud = np.zeros(rows, dtype=bool)
    fraud[generator.choice(rows, positives, replace=False)] = True
    amount = np.exp(3 + generator.normal(size=rows) + apart / 2 * fraud)
    hour = generator.normal(14 - 3 * apart * fraud, 4, size=rows) % 24
    abroad = generator.random(rows) < np.where(fraud, 0.7, 0.05)
    lines = ["amount,hour,abroad,fraud"]
    lines += [
        f"{amount[row]:.2f},{hour[row]:.1f},{str(abroad[row]).lower()},{'yes' if fraud[row] else 'no'}"
        for row in range(rows)
    ]
    return "\n".join(lines) + "\n"
