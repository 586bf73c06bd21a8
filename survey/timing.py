"""How long the exact sign-flip test takes: ``python -m survey.timing`` (bar: 50 ms at 20 scenes)."""

from statistics import median
from time import perf_counter

import numpy as np

from survey.signflip import EXACT_UP_TO, sign_flip_test

REPEATS = 50
HUGE = 10**30
"""Times this, sums overflow 64 bits and are added as Python's integers: the slowest case."""


def milliseconds(scenes: int, scale: int) -> tuple[float, float]:
    """Median and longest time of the test at that many scenes."""
    generator = np.random.default_rng(scenes)
    times = []
    for _ in range(REPEATS):
        differences = [scale * value for value in generator.integers(-60, 61, scenes).tolist()]
        start = perf_counter()
        sign_flip_test(differences)
        times.append(1000 * (perf_counter() - start))
    return median(times), max(times)


def main() -> None:
    """Print a line for each size."""
    for scenes in (10, 20, EXACT_UP_TO):
        for name, scale in (("64-bit sums", 1), ("larger sums", HUGE)):
            middle, longest = milliseconds(scenes, scale)
            print(f"{scenes} scenes, {name}: median {middle:.2f} ms, longest of {REPEATS} {longest:.2f} ms")


if __name__ == "__main__":
    main()
