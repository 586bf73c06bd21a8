"""Every score of a cell, from the saved pixels of its views.

Scores are taken from the 8-bit pixels that are saved, so that scoring again from the files gives the same numbers. The
metric CLIP runs in fp32 and in batches of one fixed size, so that a score does not depend on how many views there are.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark import metrics
from benchmark.catalogue import CatalogueEdit
from benchmark.extended import other_scores
from benchmark.reprojection import Reprojection, reprojection
from benchmark.results import Metrics, PairScore, ReprojectionScores, Scores
from benchmark.store import Pixels

if TYPE_CHECKING:
    from mix2mix.cameras import Cameras
    from mix2mix.edit import Edit
    from mix2mix.scene import Scene


class ImageTextModel(Protocol):
    """The metric CLIP; features do not depend on batching."""

    def image_features(self, images: Tensor) -> Tensor:
        """Raw features [N, D] of images [N, 3, H, W] in [0, 1]."""

    def text_features(self, texts: Sequence[str]) -> Tensor:
        """Raw features [N, D] of N texts."""


class Truth(Protocol):
    """The known geometry of what N views show."""

    @property
    def depth(self) -> Tensor:
        """z-depth [N, H, W], inf where there is nothing."""

    @property
    def subject(self) -> Tensor:
        """Pixels of the subject, [N, H, W] bool."""


class SceneSource(Protocol):
    """Where the scenes of the catalogue come from."""

    def scene(self, name: str, views: int) -> "Scene":
        """The scene of that name with N views."""

    def truth(self, name: str, instruction: str | None, views: int) -> Truth | None:
        """The geometry of the scene after that edit (None: of the original); None where nobody knows it."""


@torch.inference_mode()
def score(
    originals: Sequence[Pixels],
    edited: Sequence[Pixels],
    cameras: "Cameras | None",
    entry: CatalogueEdit,
    clip: ImageTextModel,
    truth: Truth | None,
) -> Metrics:
    """All scores of N edited views; ``truth`` is the geometry of what they show, with cameras, where it is known."""
    before, after = to_tensor(originals), to_tensor(edited)
    subject, background = _reprojections(after, cameras, entry, truth)
    return Metrics(
        **_clip_scores(before, after, entry.edit, clip),
        reprojection=_record(subject),
        background=_record(background),
        extra=other_scores(before, after, entry.edit),
    )


def to_pixels(views: Tensor) -> list[Pixels]:
    """Views [N, 3, H, W] in [0, 1] as 8-bit images, rounded to the nearest level."""
    levels = (views.detach().float().cpu().clamp(0, 1) * 255).round().byte()
    return list(levels.permute(0, 2, 3, 1).contiguous().numpy())


def to_tensor(views: Sequence[Pixels]) -> Tensor:
    """8-bit images as views [N, 3, H, W] in [0, 1]."""
    return torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float() / 255


def _clip_scores(before: Tensor, after: Tensor, edit: "Edit", clip: ImageTextModel) -> dict[str, Scores]:
    original, edited = clip.image_features(before).cpu(), clip.image_features(after).cpu()
    original_prompt, edited_prompt = clip.text_features([edit.original_prompt, edit.edited_prompt]).cpu()
    return {
        "clip_sim": _scores(metrics.clip_sim(edited, edited_prompt)),
        "clip_dir": _scores(metrics.clip_dir(original, edited, original_prompt, edited_prompt)),
        "clip_cons": _scores(metrics.clip_cons(original, edited)),
        "clip_cons_consecutive": _scores(metrics.clip_cons_consecutive(original, edited)),
    }


def edited_region(entry: CatalogueEdit, truth: Truth) -> Tensor:
    """Pixels that an edit is to change, [N, H, W] bool: the subject's, or all where the whole image is restyled."""
    return torch.ones_like(truth.subject) if entry.whole_image else truth.subject


def _reprojections(
    views: Tensor, cameras: "Cameras | None", entry: CatalogueEdit, truth: Truth | None
) -> tuple[Reprojection | None, Reprojection | None]:
    if truth is None or cameras is None:
        return None, None
    subject = edited_region(entry, truth)
    over_subject = reprojection(views, cameras, truth.depth, subject)
    return over_subject, reprojection(views, cameras, truth.depth, ~subject)


def _scores(values: Tensor) -> Scores:
    return Scores(values=tuple(values.tolist()), mean=float(values.mean()))


def _record(found: Reprojection | None) -> ReprojectionScores | None:
    if found is None:
        return None
    pairs = tuple(PairScore(**vars(pair)) for pair in found.pairs)
    return ReprojectionScores(pairs=pairs, error=found.error, chance=found.chance, relative=found.relative)
