"""From ratings to whole numbers."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from survey.ratings import Rating
from survey.tallies import (
    SceneKey,
    Tally,
    consistent,
    counts_by_method,
    differences,
    inconsistent,
    marked,
    tally,
)


def test_the_measures_are_the_paper_s() -> None:
    assert [marked(count) for count in range(5)] == [0, 1, 2, 3, 4]
    assert [consistent(count) for count in range(5)] == [1, 1, 0, 0, 0]
    assert [inconsistent(count) for count in range(5)] == [0, 0, 0, 1, 1]


def test_ratings_are_counted_by_method_and_by_scene_with_its_edit() -> None:
    rows = [("a", "face", "hat", 2), ("a", "face", "mask", 0), ("b", "face", "hat", 3), ("a", "face", "hat", 1)]
    ratings = [Rating(method, scene, edit, method, f"r{i}", n) for i, (method, scene, edit, n) in enumerate(rows)]
    hat, mask = SceneKey("face", "hat"), SceneKey("face", "mask")
    assert counts_by_method(ratings) == {"a": {hat: [2, 1], mask: [0]}, "b": {hat: [3]}}
    assert counts_by_method(reversed(ratings)) == counts_by_method(ratings)


def test_a_tally_sums_over_the_tasks_of_each_scene() -> None:
    hat, mask = SceneKey("face", "hat"), SceneKey("face", "mask")
    found = tally({hat: [2, 1, 4], mask: [0]}, [mask, hat], marked)
    assert found == Tally(sums=(0, 7), tasks=(1, 3))
    assert (found.total, found.all_tasks, found.mean) == (7, 4, 1.75)


def test_differences_of_means_have_one_denominator() -> None:
    found = differences(Tally((1, 2), (3, 2)), Tally((1, 1), (4, 4)))
    assert (found.numerators, found.denominator) == ((1, 9), 12)
    assert found.mean == 10 / 24


TALLIES = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 60)), min_size=1, max_size=8)


@given(TALLIES, st.randoms(use_true_random=False))
def test_differences_are_exact(sums_and_tasks: list[tuple[int, int]], random) -> None:  # type: ignore[no-untyped-def]
    first = Tally(*map(tuple, zip(*sums_and_tasks, strict=True)))
    random.shuffle(sums_and_tasks)
    second = Tally(*map(tuple, zip(*sums_and_tasks, strict=True)))
    found = differences(first, second)
    for at, numerator in enumerate(found.numerators):
        means = Fraction(first.sums[at], first.tasks[at]), Fraction(second.sums[at], second.tasks[at])
        assert Fraction(numerator, found.denominator) == means[0] - means[1]
    assert sum(found.numerators) == 0 or found.mean != 0
