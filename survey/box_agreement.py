"""How far raters agree on where a set of views is inconsistent: overlap of their rectangles beyond chance.

What a rater marked is the union of the rectangles on each view. Two ratings overlap by the area that both marked over
the area that either marked, all views together (intersection over union). Chance is the mean overlap of ratings by
different raters of different edits or scenes, who share habits of marking but nothing to see. Agreement is
(overlap - chance) / (1 - chance): 1 for the same areas, 0 for chance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from survey.boxes import Box
from survey.ratings import Rating
from survey.tallies import SceneKey

GRID = 64
"""Areas are counted in cells of a grid of so many by so many on each view; a touched cell counts."""

MOST = 300
"""Of more ratings, so many are drawn: already 44,850 pairs."""


@dataclass(frozen=True)
class BoxAgreement:
    """Agreement on areas, with the mean overlaps it is made of and how many pairs of ratings each is a mean of."""

    agreement: float
    overlap: float
    chance: float
    pairs_same_set: int
    pairs_by_chance: int


def box_agreement(ratings: Iterable[Rating], seed: int = 0) -> BoxAgreement | None:
    """Agreement over the ratings that mark anything; None where no two of one set do, or none of different scenes.

    Assumes that a rater's habits (size of rectangles, love of the centre) are the same whatever the scene. Which areas
    form a pair is set aside, and so are ratings without rectangles: how many there are is agreement on counts.
    """
    marked = [rating for rating in ratings if rating.pairs]
    if not marked:
        return None
    views = sorted({box.view for rating in marked for box in _boxes(rating)})
    same = np.concatenate([_overlaps(_some(group, seed), views) for group in _by_set(marked)])
    chance = _chance_overlaps(_some(marked, seed), views)
    if not same.size or not chance.size or chance.mean() == 1:
        return None
    agreement = (same.mean() - chance.mean()) / (1 - chance.mean())
    return BoxAgreement(float(agreement), float(same.mean()), float(chance.mean()), same.size, chance.size)


def _overlaps(ratings: Sequence[Rating], views: Sequence[int]) -> NDArray[np.float64]:
    """Of every two of the ratings."""
    return np.asarray(_overlap_matrix(ratings, views)[np.triu_indices(len(ratings), k=1)])


def _chance_overlaps(ratings: Sequence[Rating], views: Sequence[int]) -> NDArray[np.float64]:
    """Of every two by different raters of different scenes."""
    _, rater = np.unique([rating.rater_id for rating in ratings], return_inverse=True)
    scenes = {scene: index for index, scene in enumerate(sorted(map(_scene, ratings)))}
    scene = np.array([scenes[_scene(rating)] for rating in ratings])
    unrelated = np.triu((rater[:, None] != rater) & (scene[:, None] != scene), k=1)
    return np.asarray(_overlap_matrix(ratings, views)[unrelated])


def _overlap_matrix(ratings: Sequence[Rating], views: Sequence[int]) -> NDArray[np.float64]:
    """Intersection over union of every rating with every other, [ratings, ratings]."""
    masks = np.zeros((len(ratings), len(views), GRID, GRID), np.float32)
    for mask, rating in zip(masks, ratings, strict=True):
        for box in _boxes(rating):
            across, down = _cells(box.x, box.w), _cells(box.y, box.h)
            mask[views.index(box.view), down, across] = 1
    flat = masks.reshape(len(ratings), -1)
    areas = flat.sum(axis=1)
    both = flat @ flat.T
    return np.asarray(both / (areas[:, None] + areas - both), np.float64)


def _cells(start: float, length: float) -> slice:
    """The cells that a side touches, at least one."""
    first = min(int(start * GRID), GRID - 1)
    return slice(first, max(first + 1, ceil((start + length) * GRID)))


def _boxes(rating: Rating) -> list[Box]:
    return [box for pair in rating.pairs or () for box in (pair.first, pair.second)]


def _scene(rating: Rating) -> SceneKey:
    return SceneKey(rating.scene, rating.edit)


def _by_set(ratings: Iterable[Rating]) -> list[list[Rating]]:
    groups: dict[str, list[Rating]] = {}
    for rating in ratings:
        groups.setdefault(rating.set_id, []).append(rating)
    return list(groups.values())


def _some(ratings: Sequence[Rating], seed: int) -> list[Rating]:
    if len(ratings) <= MOST:
        return list(ratings)
    chosen = np.random.default_rng(seed).choice(len(ratings), MOST, replace=False)
    return [ratings[index] for index in sorted(chosen)]
