"""What a method's whole work would take, from a run with fewer of its steps: an hour of I-N2N need not be waited for.

Only at the paper's scale, and only of methods whose spec says which steps a phase's time is a multiple of. No torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from baselines.registry import all_specs, parse_variant
from benchmark.store import Run


@dataclass(frozen=True)
class Extrapolation:
    """From a variant with fewer steps to its method: by how much each phase's time grows, and in words."""

    method: str
    factors: Mapping[str, float]
    words: str

    def seconds(self, phases: Mapping[str, float]) -> float:
        """Of the whole edit, from the variant's seconds by phase; the fit of the scene is apart, see `fit`."""
        return sum(self.factors.get(phase, 1) * seconds for phase, seconds in phases.items() if phase != "fit")

    def fit(self, phases: Mapping[str, float]) -> float:
        """Of the whole fit of the scene."""
        return self.factors.get("fit", 1) * phases.get("fit", 0.0)


def extrapolations(run: Run) -> dict[str, Extrapolation]:
    """By variant, for methods that the run has with fewer steps alone."""
    origin = run.record.provenance
    if (origin.bundle.name, origin.budget) != ("paper", "full"):  # other budgets make pictures smaller as well
        return {}
    names = [method.name for method in run.record.methods]
    return {name: made for name in names if (made := extrapolation(name)) and made.method not in names}


def extrapolation(name: str) -> Extrapolation | None:
    """Of a variant that sets all of its method's steps, and nothing else; None for others."""
    spec = all_specs().get(name.partition("@")[0])
    if spec is None or not spec.steps:
        return None
    settings, steps = parse_variant(name).settings, spec.steps
    if settings.keys() != {parameter for parameter, _ in steps.values()}:
        return None
    factors = {phase: whole / float(settings[parameter]) for phase, (parameter, whole) in steps.items()}
    words = ", ".join(f"{settings[parameter]} of {whole} {parameter}" for parameter, whole in steps.values())
    return Extrapolation(spec.id, factors, f"{spec.title} from {words}")
