"""Which mixtures of a row and a background row are scored to attribute an answer to features, and with what weights.

The features of a coalition are taken from the row, all others from the background row. A coalition is a place in a
chain: all coalitions are one chain, and each sampled permutation is one. In both, place 0 is the background row and
the last place the row itself.
"""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skylift.background import MOST_EXACT, SCORED_ROWS

type Flags = NDArray[np.bool_]
type Places = NDArray[np.intp]
type Values = NDArray[np.float64]


class Coalitions(Protocol):
    """Coalitions of features, for each background row.

    Attributes
    ----------
    shape
        Numbers of chains of a background row, and of places in each.
    """

    shape: tuple[int, int]

    def canonical(self, differs: Flags) -> Places:
        """The first place of each chain whose mixture is the same, for features that do not differ change nothing.

        Parameters
        ----------
        differs
            Whether a feature of a row differs from that of a background row, `[n, background, features]`.

        Returns
        -------
        `[n, background, chains, places]`.
        """
        ...

    def members(self, background: Places, chains: Places, places: Places) -> Flags:
        """Whether each feature is in some coalitions, `[m, features]`.

        Parameters
        ----------
        background, chains, places
            Places of the coalitions in `values`, each `[m]`.
        """
        ...

    def contributions(self, values: Values, weights: Values) -> Values:
        """Contributions of the features, float64 `[n, features]`, which sum to the last value less the first.

        Parameters
        ----------
        values
            Values of the coalitions, float64 `[n, background, chains, places]`.
        weights
            Weights of the background rows, float64 `[background]`.
        """
        ...


def coalitions_of(features: int, background: int) -> Coalitions:
    """All coalitions of few features, a sample of those of many.

    Parameters
    ----------
    features, background
        Numbers of features and of background rows.
    """
    return AllCoalitions(features) if features <= MOST_EXACT else SampledCoalitions(features, background)


class AllCoalitions:
    """Every coalition once: the exact Shapley value (Lundberg & Lee 2017, equation 8).

    The bits of a place say which features are in.

    Parameters
    ----------
    features
        Number of features.
    """

    def __init__(self, features: int) -> None:
        self.shape = 1, 2**features
        self._features = features
        self._bits = 2 ** np.arange(features)
        sizes = np.bitwise_count(np.arange(2 ** (features - 1)))
        shares = [1 / (features * math.comb(features - 1, size)) for size in range(features)]
        self._shares = np.array(shares)[sizes]  # of the coalitions without a feature, by the bits of the others

    def canonical(self, differs: Flags) -> Places:
        """See `Coalitions`."""
        changing = differs @ self._bits
        found: Places = changing[:, :, None, None] & np.arange(self.shape[1])
        return found

    def members(self, background: Places, chains: Places, places: Places) -> Flags:  # noqa: ARG002 (the same for all)
        """See `Coalitions`."""
        found: Flags = places[:, None] & self._bits != 0
        return found

    def contributions(self, values: Values, weights: Values) -> Values:
        """See `Coalitions`."""
        # Not by BLAS, for which equal columns may give sums that differ in the last digit.
        expected = (values[:, :, 0] * weights[:, None]).sum(axis=1)
        gains = np.empty((len(values), self._features, len(self._shares)))
        for feature in range(self._features):
            without_or_with = expected.reshape(len(values), -1, 2, 2**feature)
            gains[:, feature] = (without_or_with[:, :, 1] - without_or_with[:, :, 0]).reshape(len(values), -1)
        found: Values = gains @ self._shares
        return found


class SampledCoalitions:
    """What features add in random orders, in each of which they come one by one.

    The mean over orders estimates the Shapley value (Castro, Gomez & Tejada, "Polynomial calculation of the Shapley
    value based on sampling", 2009). Each order is followed by its reverse, which lowers the variance (antithetic
    sampling; Mitchell, Cooper, Frank & Holmes, "Sampling permutations for Shapley value estimation", 2022). Every
    background row has as many orders as any other: so contributions add up with any number of them. The orders are
    drawn once for so many features and background rows: the same row always gets the same answer, and two rows never
    differ by the draw.

    Parameters
    ----------
    features, background
        Numbers of features and of background rows.
    """

    def __init__(self, features: int, background: int) -> None:
        pairs = max(SCORED_ROWS // (2 * features * background), 1)
        rng = np.random.default_rng(features)
        orders = rng.permuted(np.tile(np.arange(features), (background, pairs, 1)), axis=2)
        self._orders = np.concatenate([orders, orders[:, :, ::-1]], axis=1)
        self._ranks = np.argsort(self._orders, axis=2)
        self.shape = 2 * pairs, features + 1

    def canonical(self, differs: Flags) -> Places:
        """See `Coalitions`."""
        found = np.zeros((*differs.shape[:2], *self.shape), dtype=np.intp)
        in_order = np.take_along_axis(differs[:, :, None], self._orders[None], axis=3)
        np.multiply(in_order, np.arange(1, self.shape[1]), out=found[..., 1:])
        return np.maximum.accumulate(found, axis=3, out=found)

    def members(self, background: Places, chains: Places, places: Places) -> Flags:
        """See `Coalitions`."""
        found: Flags = self._ranks[background, chains] < places[:, None]
        return found

    def contributions(self, values: Values, weights: Values) -> Values:
        """See `Coalitions`."""
        added = np.take_along_axis(np.diff(values, axis=3), self._ranks[None], axis=3)
        found: Values = (added.mean(axis=2) * weights[:, None]).sum(axis=1)
        return found
