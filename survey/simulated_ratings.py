"""A simulated study as ratings, with rectangles, durations and times, to be read like a real one.

Every set's, scene's and rater's name begins with `LABEL`, and the times lie in the year 2000: nobody shall take them
for what people saw.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from survey.boxes import Box, Pair
from survey.ratings import Rating
from survey.simulate import Design, SimulatedCounts, simulate_counts

LABEL = "simulated-"
EDIT = "Simulated edit"
VIEWS = 4
SPOTS = 8
"""Inconsistencies there are to find in a set; the first are found most often."""

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


def simulate_ratings(design: Design, methods: Sequence[str], seed: int = 0) -> list[Rating]:
    """One study of these methods, as many as the design has means; the same for the same seed."""
    generator = np.random.default_rng(seed)
    study = simulate_counts(design, generator)
    return [
        rating
        for index, method in enumerate(methods)
        for scene in range(design.scenes)
        for rating in _ratings_of_set(study, index, scene, method, generator)
    ]


def count_simulated(ratings: Iterable[Rating]) -> int:
    """How many of the ratings are labelled as simulated."""
    return sum(rating.rater_id.startswith(LABEL) or rating.set_id.startswith(LABEL) for rating in ratings)


def _ratings_of_set(
    study: SimulatedCounts, index: int, scene: int, method: str, generator: np.random.Generator
) -> Iterator[Rating]:
    spots = [_spot(generator) for _ in range(SPOTS)]
    for rater, count in zip(study.raters[index, scene], study.counts[index, scene], strict=True):
        careless = bool(study.careless[rater])
        duration = round(float(5 + 8 * count + generator.exponential(10)), 1)
        yield Rating(
            set_id=f"{LABEL}set-{index + 1}-{scene + 1:03}",
            scene=f"{LABEL}scene-{scene + 1:03}",
            edit=EDIT,
            method=method,
            rater_id=f"{LABEL}rater-{rater + 1:03}",
            n_pairs=int(count),
            pairs=_pairs(int(count), [] if careless else spots, generator),
            duration_s=duration,
            attention_passed=not careless,
            submitted_at=BEGIN + timedelta(seconds=duration),
        )


def _pairs(count: int, spots: Sequence[Pair], generator: np.random.Generator) -> tuple[Pair, ...]:
    """So many of the spots, early ones more often, marked not quite exactly; anywhere when there are not enough."""
    found = min(count, len(spots))
    late = generator.exponential(1 + np.arange(len(spots)))  # when each spot would be noticed
    chosen = [spots[index] for index in np.argsort(late)[:found]]
    marked = [Pair(_nudged(pair.first, generator), _nudged(pair.second, generator)) for pair in chosen]
    return (*marked, *(_spot(generator) for _ in range(count - found)))


def _spot(generator: np.random.Generator) -> Pair:
    """Two rectangles somewhere, on two views."""
    views = generator.choice(VIEWS, 2, replace=False).tolist()
    first, second = (Box(view, *generator.uniform([0, 0, 0.1, 0.1], [0.6, 0.6, 0.3, 0.3]).tolist()) for view in views)
    return Pair(first, second)


def _nudged(box: Box, generator: np.random.Generator) -> Box:
    moved = np.array([box.x, box.y]) + generator.normal(0, 0.03, 2)
    x, y = np.clip(moved, 0, [1 - box.w, 1 - box.h]).tolist()
    return Box(box.view, x, y, box.w, box.h)
