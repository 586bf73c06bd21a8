"""By how much a metric may move and still count as the same, as data and formulas. No torch."""

from collections.abc import Mapping, Sequence
from math import fsum, sqrt
from types import MappingProxyType

FLOORS: Mapping[str, float] = MappingProxyType(
    {
        "clip_cons": 0.01,
        "clip_sim": 0.01,
        "clip_dir": 0.01,
        "clip_cons_consecutive": 0.01,
        "reprojection": 0.002,
        "relative_error": 0.01,
        "background": 0.002,
    }
)
"""The least tolerance of each of our metrics, by its column's key: above what another processor's rounding does."""

SLOWER, INSTANT = 0.2, 0.05
"""Times on the same hardware are the same within this part, or within these seconds."""

DEVIATIONS = 4.0
"""A value may lie so many standard deviations from what is expected: few enough false alarms among dozens of checks."""

FORMULA = (
    f"max(floor, {DEVIATIONS:g} s sqrt(1 + 1/n)): s is the standard deviation between runs with the same seed, pooled "
    "over seeds, and n their number; for another seed, s is that between seeds, and n theirs. With one run a seed the "
    "tolerance for another seed holds for the same one too. Mean of m cells: max(floor, sqrt(sum of squares) / m)."
)
"""How the tolerances of a reference come about, in words."""


def run_tolerance(floor: float | None, value: float) -> float:
    """The tolerance of a cell against the same cell of one other run; without the floor of a score it is of a time."""
    return max(INSTANT, SLOWER * value) if floor is None else floor


def spread_tolerance(deviation: float, samples: int, floor: float) -> float:
    """The tolerance of one new value against the mean of so many samples with that standard deviation."""
    return max(floor, DEVIATIONS * deviation * sqrt(1 + 1 / samples))


def mean_tolerance(tolerances: Sequence[float], floor: float) -> float:
    """The tolerance of a mean over cells with these tolerances; assumes that they vary independently."""
    return max(floor, sqrt(fsum(one * one for one in tolerances)) / len(tolerances))
