"""How far raters agree on the number of pairs: Krippendorff's alpha for ordinal data.

Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), coincidences and ordinal differences.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def ordinal_alpha(units: Iterable[Sequence[int]]) -> float | None:
    """Alpha of the values that raters gave to each unit; None where fewer than two values can be paired or all agree.

    1 is perfect agreement, 0 what chance gives, below 0 worse. Missing values are simply absent; a unit with one value
    says nothing. Assumes that counts are ordered, their steps not of equal size, and that raters are interchangeable.
    """
    paired = [values for values in units if len(values) > 1]
    values = sorted({value for unit in paired for value in unit})
    if len(values) < 2:
        return None
    index = {value: position for position, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in paired:
        counts = np.bincount([index[value] for value in unit], minlength=len(values)).astype(np.float64)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    return _alpha(coincidences)


def _alpha(coincidences: NDArray[np.float64]) -> float:
    """1 - observed / expected disagreement, from the matrix of coincidences [values, values]."""
    totals = coincidences.sum(axis=0)
    chance = np.outer(totals, totals) - np.diag(totals)
    distance = _ordinal_distances(totals)
    observed = (coincidences * distance).sum()
    return float(1 - (totals.sum() - 1) * observed / (chance * distance).sum())


def _ordinal_distances(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared number of values between two ranks, both ends counted half."""
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)
