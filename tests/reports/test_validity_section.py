"""How far scores agree with the truth, as tables."""

from benchmark.statistics import Interval
from benchmark.validity import Correlation, Fooled, MetricValidity
from reports.grids import Grid
from reports.validity_section import validity_section

OVER_ALL = Correlation(metric="clip_cons", scene=None, cells=60, rho=-0.41, interval=Interval(low=-0.7, high=0.1))
IN_ONE = Correlation(metric="clip_dir", scene="face", cells=20, rho=0.5, interval=None)
CASE = Fooled(
    metric="clip_cons",
    better="cells/unedited/face/mask/seed-0",
    worse="cells/ours/face/mask/seed-0",
    by=0.6,
    why="nothing was edited",
)


def texts(grid: Grid) -> list[list[str]]:
    return [[entry.text for entry in line.entries] for line in grid.lines]


def test_correlations_stand_with_their_intervals_and_scenes_in_grey() -> None:
    section = validity_section(MetricValidity(correlations=(OVER_ALL, IN_ONE), fooled=(), assumptions=("this",)))
    assert section is not None
    assert texts(section.correlations) == [
        ["Cons", "all", "60", "−0.41", "−0.70 to 0.10"],
        ["Dir", "face", "20", "+0.50", "–"],
    ]
    assert [line.quiet for line in section.correlations.lines] == [False, True]
    assert section.assumptions == ("this",)


def test_what_fools_a_score_is_named() -> None:
    section = validity_section(MetricValidity(correlations=(), fooled=(CASE,), assumptions=()))
    assert section is not None
    assert section.fooled is not None
    assert texts(section.fooled) == [
        ["Cons", "unedited/face/mask/seed-0", "ours/face/mask/seed-0", "nothing was edited", "0.600"]
    ]


def test_where_nothing_is_fooled_there_is_no_table() -> None:
    section = validity_section(MetricValidity(correlations=(OVER_ALL,), fooled=(), assumptions=()))
    assert section is not None
    assert section.fooled is None


def test_without_the_truth_there_is_no_section() -> None:
    assert validity_section(None) is None
