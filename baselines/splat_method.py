"""What the methods on splats share: their settings, the fit that they begin with, and the result that they end with."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from typing import Any, TypeVar

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.fit_cache import fit_notes
from baselines.splat_dense import dense_rasteriser
from baselines.splat_fit import FITS, Fit, FitSettings, Rates, Training, shared_fit
from baselines.splats import Rasteriser
from mix2mix.errors import InputError
from mix2mix.replay import clock

Settings = TypeVar("Settings", bound=Any)
Lengths = TypeVar("Lengths", bound="EditSettings")


@dataclass(frozen=True, eq=False)
class Start:
    """Splats fitted to the unedited views, and how."""

    settings: FitSettings
    fit: Fit
    shared: bool
    rasterise: Rasteriser


@dataclass(frozen=True)
class EditSettings:
    """How long a method on splats edits."""

    edit_steps: int
    """Of fitting to edited views."""
    rounds: int
    """Times that all views are edited, evenly over the steps."""
    denoising_steps: int
    """Of DDIM, for each edit."""
    rates: Rates

    @property
    def interval(self) -> int:
        """Steps from the start of a round to that of the next."""
        return self.edit_steps // self.rounds

    def round_at(self, step: int) -> tuple[int, int]:
        """The round of a step, and how far into it; the steps that do not divide belong to the last."""
        index = min(step // self.interval, self.rounds - 1)
        return index, step - index * self.interval


def edit_settings(request: EditRequest, by_bundle: Mapping[str, Lengths]) -> Lengths:
    """As `settings_for`; InputError also where a round is too short to fit every view once."""
    settings, views = settings_for(request, by_bundle), len(request.scene.images)
    if settings.interval < views:
        raise InputError(
            "edit_steps",
            got=f"{settings.edit_steps} in {settings.rounds} rounds",
            expected=f"at least {views} steps a round, one for each view",
            fix="Ask for more steps or fewer rounds.",
        )
    return settings


def settings_for(request: EditRequest, by_bundle: Mapping[str, Settings]) -> Settings:
    """The bundle's settings, those that the request gives by their fields' names replaced.

    Raises InputError for a bundle that has none.
    """
    name = request.bundle.name
    if name not in by_bundle:
        expected, fix = f"one of {', '.join(by_bundle)}", "Choose another method, or one of these bundles."
        raise InputError("bundle of a method that fits the scene", got=f"'{name}'", expected=expected, fix=fix)
    own = by_bundle[name]
    given = {field.name: request.settings[field.name] for field in fields(own) if field.name in request.settings}
    return replace(own, **given)


def begin(request: EditRequest) -> Start:
    """Fit splats to the scene, or take those that another method has begun with in this process."""
    settings = settings_for(request, FITS)
    rasterise = rasteriser(settings.rasteriser, request.device)

    def tell(done: int) -> None:
        request.progress("fit", done, settings.fit_steps)

    fit, shared = shared_fit(request.scene, settings, request.seed, rasterise, request.device, tell)
    return Start(settings, fit, shared, rasterise)


def training(request: EditRequest, start: Start, settings: EditSettings) -> Training:
    """The fitted splats, ready to be optimised towards edited views."""
    cameras, size = request.scene.cameras.to(request.device), start.settings.render_size
    return Training(start.fit.splats, cameras, size, start.rasterise, settings.rates, settings.edit_steps)


def rasteriser(name: str, device: str) -> Rasteriser:
    """The rasteriser of that name ("dense" or "gsplat"); InputError where gsplat cannot run."""
    if name == "dense":
        return dense_rasteriser
    missing = "no CUDA device" if not device.startswith("cuda") else "gsplat is not installed"
    if not device.startswith("cuda") or find_spec("gsplat") is None:
        raise InputError(
            "rasteriser",
            got=f"'gsplat', but {missing}",
            expected="gsplat with a CUDA device, or 'dense'",
            fix="Install mix2mix[splats] on a machine with a GPU, or ask for what a CPU can do: "
            "@rasteriser=dense+splats=4000+render_size=128.",
        )
    from baselines.splat_gsplat import compile_kernels, gsplat_rasteriser

    compile_kernels()  # before anything is timed
    return gsplat_rasteriser


def finish(
    request: EditRequest, start: Start, trained: Training, began: float, teacher: int, notes: Mapping[str, str | int]
) -> EditResult:
    """Render the edited views at the scene's size, and tell what they cost.

    Counted are the renders of the edit; those of the fit, and the last one of each view (phase "decode"), are not.
    """
    renders = trained.renders
    edited = clock(request.device)
    views = final_views(request, start, trained)
    timings = {
        "fit": start.fit.seconds,
        "edit": edited - began,
        "decode": clock(request.device) - edited,
    }
    return EditResult(views, timings, {"teacher": teacher, "renders": renders}, {**_fit_notes(start), **notes})


@torch.no_grad()
def final_views(request: EditRequest, start: Start, trained: Training) -> Tensor:
    """The splats as the scene's cameras see them, at the scene's size: [N, 3, H, W] in [0, 1]."""
    cameras, size = request.scene.cameras.to(request.device), request.scene.images.shape[-1]
    background = torch.zeros(3, device=request.device)
    views = [start.rasterise(trained.splats, cameras[i : i + 1], size, background) for i in range(len(cameras))]
    return torch.stack(views).clamp(0, 1)


def _fit_notes(start: Start) -> dict[str, str | int | float]:
    return {
        "rasteriser": start.settings.rasteriser,
        "splats": len(start.fit.splats),
        "first_points": f"{start.fit.triangulated} triangulated, the others random in the frusta",
        **fit_notes(start.fit.psnr, start.shared),
    }
