"""Where splats begin: points in the frusta of the scene's own views, coloured by what the views show there.

They are random, or, by choice, first those that can be triangulated from the scene's own views and then random ones.
"""

from typing import Literal

import torch
from torch import Tensor

from mix2mix.cameras import Cameras, project
from mix2mix.errors import InputError
from mix2mix.scene import Scene

NEAREST, FARTHEST = 0.7, 3.0
"""Depths of random points, as shares of a camera's depth of the place that all look at."""


def initial_points(
    scene: Scene, count: int, kind: Literal["random", "triangulated"], generator: torch.Generator
) -> tuple[Tensor, Tensor, int]:
    """Points [count, 3], their colours [count, 3], and how many of them (the first) were triangulated."""
    if kind == "random":
        return *random_points(scene, count, generator), 0
    from baselines.triangulation import triangulated_points

    found = triangulated_points(scene)[:count]
    points, colours = random_points(scene, count - len(found), generator)
    return torch.cat([found, points]), torch.cat([colours_seen(scene, found), colours]), len(found)


def random_points(scene: Scene, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points [count, 3] in the views' frusta, the same number in each, and their colours [count, 3], on the CPU.

    A point lies behind a random place of its view's picture, at a depth that is uniform in 1 / depth. Its colour is the
    mean over all views that have it in their picture. Raises InputError where the views look at no common place.
    """
    cameras = scene.cameras.to("cpu")
    depth = focus_depths(cameras)
    views = torch.arange(count) % len(cameras)
    place, share = torch.rand(count, 2, generator=generator), torch.rand(count, generator=generator)
    distance = depth[views] / torch.lerp(torch.tensor(1 / FARTHEST), torch.tensor(1 / NEAREST), share)
    points = _behind(cameras[views], place, distance)
    return points, colours_seen(scene, points)


def colours_seen(scene: Scene, points: Tensor) -> Tensor:
    """Mean colour [P, 3] of points [P, 3] over the views that have them in their picture (mid-grey where none has)."""
    images, cameras = scene.images.cpu(), scene.cameras.to("cpu")
    pixels, depth = project(points, cameras, 1, 1)
    seen = ((depth > 0) & (pixels > 0).all(-1) & (pixels < 1).all(-1))[..., None]
    grid = (2 * pixels - 1).nan_to_num().clamp(-1, 1)[:, None]
    samples = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)[:, :, 0].mT
    total = torch.where(seen, samples, 0).sum(dim=0)
    count = seen.sum(dim=0)
    return torch.where(count > 0, total / count.clamp(min=1), 0.5)


def focus(cameras: Cameras) -> Tensor:
    """The point [3] nearest to all optical axes of cameras [N]."""
    forward, origins = cameras.rotations[..., 2].cpu().double(), cameras.origins.cpu().double()
    off_axis = torch.eye(3).double() - forward[:, :, None] * forward[:, None]
    right = (off_axis @ origins[..., None]).sum(dim=0)
    solution: Tensor = torch.linalg.lstsq(off_axis.sum(dim=0), right, driver="gelsd").solution
    return solution[:, 0].to(cameras.c2w)


def focus_depths(cameras: Cameras) -> Tensor:
    """Depth [N] in each camera of the point that all look at; InputError where it lies behind one."""
    depths = ((focus(cameras) - cameras.origins) * cameras.rotations[..., 2]).sum(dim=-1)
    if not bool((depths > 0).all()):
        raise InputError(
            "cameras of the scene",
            got="views that look away from each other",
            expected="views of one common place",
            fix="Leave out the frames that look elsewhere, or correct their poses.",
        )
    return depths


def extent(cameras: Cameras) -> float:
    """Radius of the cameras about their mean, widened by a tenth: the unit of the learning rate of positions."""
    offsets = cameras.origins - cameras.origins.mean(dim=0)
    return 1.1 * float(offsets.norm(dim=-1).max())


def _behind(cameras: Cameras, place: Tensor, depth: Tensor) -> Tensor:
    """Points [P, 3] at z-depth [P] behind places [P, 2] in [0, 1] of the pictures of cameras [P]."""
    K, rotation = cameras.K, cameras.rotations
    slope = (place - K[:, :2, 2]) / torch.stack([K[:, 0, 0], K[:, 1, 1]], dim=-1)
    ray = torch.cat([slope, torch.ones_like(slope[:, :1])], dim=-1)
    return cameras.origins + depth[:, None] * (rotation @ ray[..., None])[..., 0]
