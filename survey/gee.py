"""One rate under two methods, fitted by generalised estimating equations with scenes as clusters (statsmodels)."""

import warnings
from dataclasses import dataclass
from math import exp, inf, isfinite

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.genmod.cov_struct import Exchangeable  # type: ignore[import-untyped]
from statsmodels.genmod.families import Binomial  # type: ignore[import-untyped]
from statsmodels.genmod.generalized_estimating_equations import GEE  # type: ignore[import-untyped]

from survey.tallies import Tally

FEWEST_SCENES = 5
LARGEST_LOG_ODDS = 15.0
"""Beyond it the two methods' rates are separated, and no ratio of odds can be told."""


@dataclass(frozen=True)
class GeeFit:
    """The odds ratio of the first method to the second, its two-sided p-value, and how the fit ended.

    Without a fit both are None and `note` says why. A fit that did not converge keeps its numbers and says so.
    """

    odds_ratio: float | None
    p_two_sided: float | None
    converged: bool
    note: str


def fit_gee(first: Tally, second: Tally) -> GeeFit:
    """A logistic model with exchangeable correlation within scenes and Mancl and DeRouen's bias-reduced variance.

    The estimate is held against t with scenes - 2 degrees of freedom, for there are few scenes. Assumes that scenes
    are independent; ratings of one scene may depend on each other in any way.
    """
    scenes = len(first.tasks)
    if scenes < FEWEST_SCENES:
        return _no_fit(f"{scenes} scenes, at least {FEWEST_SCENES} are needed")
    if any(tally.total in (0, tally.all_tasks) for tally in (first, second)):
        return _no_fit("a rate is 0 or 100 %")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimate, error, converged = _fit(first, second)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as failure:
            return _no_fit(str(failure))
    if not isfinite(estimate / error if error > 0 else inf) or abs(estimate) > LARGEST_LOG_ODDS:
        return _no_fit("no finite estimate")
    p = 2 * float(stats.t.sf(abs(estimate / error), scenes - 2))
    told = dict.fromkeys(str(warning.message) for warning in caught)
    return GeeFit(exp(estimate), p, converged, "; ".join(["converged" if converged else "did not converge", *told]))


def _no_fit(reason: str) -> GeeFit:
    return GeeFit(None, None, False, f"not estimable: {reason}")


def _fit(first: Tally, second: Tally) -> tuple[float, float, bool]:
    """The log odds ratio, its standard error, and whether the fit converged."""
    hit, is_first, scene = np.concatenate([_tasks(first, 1), _tasks(second, 0)], axis=1)
    order = np.argsort(scene, kind="stable")
    design = np.column_stack([np.ones(len(order)), is_first[order]])
    model = GEE(hit[order], design, groups=scene[order], family=Binomial(), cov_struct=Exchangeable())
    fit = model.fit(cov_type="bias_reduced")
    return float(fit.params[1]), float(fit.bse[1]), bool(fit.converged)


def _tasks(tally: Tally, is_first: int) -> NDArray[np.float64]:
    """One column a task: whether it hit, which method, and its scene."""
    scene = np.repeat(np.arange(len(tally.tasks)), tally.tasks)
    within = np.arange(len(scene)) - np.repeat(np.cumsum(tally.tasks) - tally.tasks, tally.tasks)
    hit = within < np.repeat(tally.sums, tally.tasks)
    return np.stack([hit, np.full(len(scene), is_first), scene]).astype(np.float64)
