"""How much work a run does, as data: which edits, which methods, and the settings that set their length."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmark.catalogue import catalogue
from mix2mix.errors import InputError

METHODS = ("i-mix2mix", "teacher-only", "student-only", "t2vz", "unedited", "oracle")


@dataclass(frozen=True)
class Budget:
    """An amount of work.

    ``edits`` are slugs of the catalogue, ``methods`` the default ones, ``settings`` values of the methods' parameters
    by name (each method takes those that it has), ``views`` the number N of views a scene, ``memory`` how much of a
    GPU's they may take where they leave the choice: normal or low.
    """

    name: str
    purpose: str
    edits: tuple[str, ...]
    methods: tuple[str, ...]
    settings: Mapping[str, int]
    views: int = 4
    memory: str = "normal"

    @property
    def offers(self) -> Mapping[str, int | str]:
        """All settings that it has for methods, but those that are the methods' own defaults."""
        return self.settings if self.memory == "normal" else {**self.settings, "memory": self.memory}

    @property
    def iterations(self) -> int:
        """Optimiser updates of one distillation: the first timestep's, and k at each of the others."""
        return self.settings["first_updates"] + (self.settings["timesteps"] - 1) * self.settings["k"]


def _settings(**values: int) -> Mapping[str, int]:
    return MappingProxyType(values)


# The published warm-up is 200 of 2150 updates: quick keeps that share. Its learning rate is flat over a longer tail.
SMOKE = Budget(
    name="smoke",
    purpose="seconds: shows that everything runs, and nothing else",
    edits=("give-him-a-venetian-mask",),
    methods=METHODS,
    settings=_settings(
        first_updates=2,
        k=1,
        warmup=1,
        timesteps=4,
        reference_steps=2,
        steps=2,
        fit_steps=20,
        edit_steps=24,  # one for each of eight views in three rounds
        rounds=3,
        denoising_steps=2,
        splats=200,
        render_size=32,
    ),
)

# One edit a scene, each a different problem: a hat or mask adds geometry (face), a fur's patches change the surface
# of the scene with the widest baseline (bear), plates change all of a whole body (person).
QUICK = Budget(
    name="quick",
    purpose="minutes on two CPU cores: one edit a scene, about 400 updates each",
    edits=("give-him-a-venetian-mask", "turn-the-bear-to-a-panda-bear", "turn-him-into-a-knight"),
    methods=METHODS,
    settings=_settings(
        first_updates=100,
        k=8,
        warmup=38,
        timesteps=40,
        reference_steps=50,
        steps=50,
        fit_steps=400,
        edit_steps=180,
        splats=1000,
        render_size=64,
    ),
)

FULL = Budget(
    name="full",
    purpose="the paper's: all twenty edits, 2150 updates each; meant for a GPU",
    edits=tuple(entry.slug for entry in catalogue()),
    methods=METHODS,
    # No `steps`: each method samples as it was published, the editor in 100 steps, Text2Video-Zero in 50.
    settings=_settings(first_updates=200, k=50, warmup=200, timesteps=40, reference_steps=100),
)

BUDGETS: Mapping[str, Budget] = MappingProxyType({budget.name: budget for budget in (SMOKE, QUICK, FULL)})


def find_budget(name: str) -> Budget:
    """The budget of that name; an unknown one is an `InputError`."""
    if name not in BUDGETS:
        raise InputError("budget", got=f"'{name}'", expected=f"one of {', '.join(BUDGETS)}", fix="Choose one of them.")
    return BUDGETS[name]
