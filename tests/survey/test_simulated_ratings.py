"""A simulated study as ratings: labelled, and read like a real one."""

from pathlib import Path

import numpy as np

from survey.ratings import read_ratings, write_ratings
from survey.simulate import Design, simulate_counts
from survey.simulated_ratings import LABEL, count_simulated, simulate_ratings
from survey.tallies import counts_by_method

METHODS = ("i-mix2mix", "dge")


def test_every_rating_is_labelled() -> None:
    ratings = simulate_ratings(Design(), METHODS)
    assert count_simulated(ratings) == len(ratings) == 200
    for rating in ratings:
        assert rating.set_id.startswith(LABEL)
        assert rating.scene.startswith(LABEL)
        assert rating.rater_id.startswith(LABEL)
        assert rating.submitted_at is not None
        assert rating.submitted_at.year == 2000


def test_it_survives_its_file(tmp_path: Path) -> None:
    ratings = simulate_ratings(Design(means=(0.5, 12.0), careless=0.2), METHODS, seed=4)
    with (tmp_path / "ratings.csv").open("w", encoding="utf-8", newline="") as stream:
        write_ratings(stream, ratings)
    assert read_ratings(tmp_path / "ratings.csv") == ratings


def test_the_counts_are_those_of_the_simulation() -> None:
    ratings = simulate_ratings(Design(careless=0.3), METHODS, seed=2)
    study = simulate_counts(Design(careless=0.3), np.random.default_rng(2))
    for index, method in enumerate(METHODS):
        counts = counts_by_method(ratings)[method].values()
        assert [sorted(scene) for scene in counts] == [sorted(scene) for scene in study.counts[index].tolist()]
    failed = {rating.rater_id for rating in ratings if rating.attention_passed is False}
    assert len(failed) == study.careless.sum() > 0


def test_the_same_seed_gives_the_same_study() -> None:
    assert simulate_ratings(Design(), METHODS, 1) == simulate_ratings(Design(), METHODS, 1)
    assert simulate_ratings(Design(), METHODS, 1) != simulate_ratings(Design(), METHODS, 2)
