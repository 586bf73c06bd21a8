"""The sign-flip permutation test of per-scene differences: exact by meeting in the middle, and sampled as in the paper.

Where the methods do not differ, the labels of the two could be swapped in any scene: all 2**n sums with flipped signs
are equally likely. The differences are whole numbers, so that sums that tie are seen to tie.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from survey.exact import Tails

EXACT_UP_TO = 30
"""Scenes up to which all sign flips are counted: 2**15 sums a half."""

RESAMPLES = 20_000
"""The paper's number of randomisations."""

BLOCK = 1_000
SAFE = 2**62
"""Sums below this fit in int64; larger ones are added as Python's integers."""


def sign_flip_test(differences: Sequence[int]) -> Tails:
    """The exact test, two-sided and one-sided for a negative sum (first minus second: the first has less).

    Assumes that scenes are independent and that, without an effect, a scene's difference is symmetric about zero.
    """
    observed = sum(differences)
    everything = 2 ** len(differences)
    extreme = 2 * _sums_from(differences, abs(observed)) if observed else everything
    return Tails(_sums_from(differences, -observed) / everything, extreme / everything)


def sampled_sign_flip_test(differences: Sequence[int], resamples: int = RESAMPLES, seed: int = 0) -> Tails:
    """The test by random sign flips; the data count as one of them, so that no p-value is zero."""
    values = _array(differences)
    observed = sum(differences)
    generator = np.random.default_rng(seed)
    lower = extreme = 0
    for start in range(0, resamples, BLOCK):
        size = (min(BLOCK, resamples - start), len(values))
        sums = (2 * generator.integers(0, 2, size) - 1) @ values
        lower += int((sums <= observed).sum())
        extreme += int((abs(sums) >= abs(observed)).sum())
    return Tails((lower + 1) / (resamples + 1), (extreme + 1) / (resamples + 1))


def _sums_from(differences: Sequence[int], threshold: int) -> int:
    """How many of the 2**n sums with flipped signs are at least the threshold.

    Each sum is one of the first half's plus one of the second half's; for each of the first, a binary search finds
    how many of the second, sorted, are large enough.
    """
    values = _array(differences)
    half = len(values) // 2
    first, second = _all_sums(values[:half]), np.sort(_all_sums(values[half:]))
    too_small = np.searchsorted(second, threshold - first)
    return int(first.size * second.size - too_small.sum())


def _all_sums(values: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros(1, values.dtype)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def _array(differences: Sequence[int]) -> NDArray[np.int64]:
    """The differences as an array whose sums do not overflow."""
    small = 4 * sum(map(abs, differences)) < SAFE
    return np.array(differences, np.int64 if small else object)
