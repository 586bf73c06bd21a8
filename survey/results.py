"""What an analysis says, as it is saved: every field documented. Differences are first method minus second.

One-sided p-values ask whether the first method is better: fewer pairs, more wins, more consistent, fewer inconsistent
tasks. `scene` means one edit of one scene. A field without a value is null: the notes say why.
"""

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1


class Record(BaseModel):
    """A part of the result."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IntervalRecord(Record):
    """A 95 % interval."""

    low: float
    high: float


class MethodRow(Record):
    """A method's row of Table 2, over all of its tasks."""

    mean_pairs: float = Field(description="pairs marked in a task, mean over tasks")
    scene_win_pct: float | None = Field(description="scenes where its mean is below every other's, of the common ones")
    consistent_pct: float = Field(description="tasks with at most one pair")
    inconsistent_pct: float = Field(description="tasks with three pairs or more")
    n_tasks: int
    n_scenes: int
    n_raters: int
    mean_pairs_interval: IntervalRecord | None
    consistent_pct_interval: IntervalRecord | None
    inconsistent_pct_interval: IntervalRecord | None


class SignFlip(Record):
    """The sign-flip permutation test of per-scene differences of means; sampled where there are more than 30 scenes."""

    mean_difference: float = Field(description="mean over scenes of the differences of scene means")
    p_two_sided: float
    p_one_sided: float
    exact: bool
    n_scenes: int
    p_holm: float | None = None


class SignFlipSampled(Record):
    """The same test by random sign flips, as in the paper."""

    p_two_sided: float
    n_resamples: int
    seed: int


class WinsTest(Record):
    """The exact binomial sign test on scene wins; ties are left out of it."""

    wins: int
    losses: int
    ties: int
    p_one_sided: float
    p_two_sided: float
    p_holm: float | None = None


class ClusteredTest(Record):
    """The sign-flip test of a rate's per-scene differences: ratings of one scene may depend on each other."""

    mean_difference: float = Field(description="mean over scenes of the differences of rates, -1 to 1")
    p_one_sided: float
    p_two_sided: float
    exact: bool


class GeeTest(Record):
    """A logistic model by generalised estimating equations, scenes as clusters."""

    odds_ratio: float | None
    p_two_sided: float | None
    converged: bool
    note: str = Field(description="how the fit ended, or why there is none")


class RateTest(Record):
    """Fisher's exact test of a rate, and beside it what holds when ratings of one scene are not independent."""

    counts: tuple[tuple[int, int], tuple[int, int]] = Field(description="[hits, tasks] of the first, of the second")
    p_one_sided: float
    p_two_sided: float
    p_holm: float | None = None
    clustered: ClusteredTest | None = None
    gee: GeeTest | None = None


class PairTests(Record):
    """The tests of two methods on their common scenes; `p_holm` corrects the two-sided p of the four the paper has."""

    sign_flip: SignFlip
    sign_flip_sampled: SignFlipSampled
    wins: WinsTest
    consistent: RateTest
    inconsistent: RateTest


class EffectSizes(Record):
    """How large the effects are, with scene-clustered bootstrap intervals where there is one."""

    mean_difference_interval: IntervalRecord | None
    standardised_difference: float | None = Field(description="Cohen's d_z of the per-scene differences")
    superiority: float = Field(description="part of the scenes that the first wins, ties counted half")
    ratio_of_means: float | None = Field(description="mean pairs a task, first over second")
    ratio_of_means_interval: IntervalRecord | None
    consistent_difference: float = Field(description="difference of the rates over all tasks, -1 to 1")
    consistent_difference_interval: IntervalRecord | None
    consistent_odds_ratio: float | None
    inconsistent_difference: float
    inconsistent_difference_interval: IntervalRecord | None
    inconsistent_odds_ratio: float | None


class Comparison(Record):
    """Two methods compared on the scenes that both were rated on."""

    first: str
    second: str
    n_scenes: int
    tests: PairTests
    effects: EffectSizes


class BoxAgreementRecord(Record):
    """Agreement on areas beyond chance: (overlap - chance) / (1 - chance), overlaps as intersection over union."""

    agreement: float
    overlap: float
    chance: float
    pairs_same_set: int
    pairs_by_chance: int


class Agreement(Record):
    """Agreement between raters; null where it cannot be told."""

    counts_alpha: float | None = Field(description="Krippendorff's alpha of numbers of pairs, ordinal, over sets")
    counts_alpha_by_method: dict[str, float | None]
    boxes: BoxAgreementRecord | None


class SensitivityRow(Record):
    """The main figures of a comparison over some of the ratings."""

    ratings: str
    first: str
    second: str
    n_ratings: int
    n_scenes: int
    mean_pairs_first: float
    mean_pairs_second: float
    mean_difference: float
    p_sign_flip: float
    p_wins: float
    p_consistent: float
    p_inconsistent: float


class DataSummary(Record):
    """What was analysed."""

    n_ratings: int
    n_raters: int
    n_scenes: int
    n_common_scenes: int = Field(description="scenes that all methods were rated on")
    fewest_raters_a_set: int
    most_raters_a_set: int
    flagged_raters: list[str] = Field(description="those who failed an attention trial")
    ratings_left_out: dict[str, int] = Field(description="ratings of methods that were not asked for")


class Analysis(Record):
    """The analysis of a file of ratings."""

    schema_version: int = SCHEMA_VERSION
    simulated: bool = Field(description="whether any rating carries the label of a simulation")
    methods: list[str]
    data: DataSummary
    table2: dict[str, MethodRow]
    tests: PairTests = Field(description="of the first two methods")
    comparisons: list[Comparison] = Field(description="of every two methods, in the order given")
    agreement: Agreement
    sensitivity: list[SensitivityRow]
    notes: list[str]
    assumptions: dict[str, str]
