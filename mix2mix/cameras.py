"""Cameras: one convention for poses and intrinsics, and the rays that the student is conditioned on.

Poses are camera-to-world, OpenCV axes (x right, y down, z forward). Intrinsics are normalised by the image's width and
height, so that resizing an image leaves them as they are. Pixel centres lie at +0.5. Everything is batched, runs where
its tensors are and never waits for the GPU, except the checks. Products are written out because a matrix product would
lose digits under autocast.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mix2mix.errors import InputError

FIRST_CAMERA_DISTANCE = 2.0
"""Distance of camera 0 from the origin after `normalise` (published code)."""

RIGID_TOLERANCE = 1e-3
"""Largest entry of ``R^T R - I`` that still counts as a rotation: poses written with four digits pass."""

CENTRE_TOLERANCE = 1e-4
"""Camera 0 counts as central when its distance from the mean is below this share of the farthest camera's."""


@dataclass(frozen=True, eq=False)
class Cameras:
    """T cameras; the camera dimension is the last batch dimension.

    K: [..., T, 3, 3], without skew, rows divided by width and height (fx/w, fy/h, cx/w, cy/h).
    c2w: [..., T, 4, 4], rigid, OpenCV axes.
    """

    K: Tensor
    c2w: Tensor

    def __len__(self) -> int:
        """Number of cameras T."""
        return self.c2w.shape[-3]

    def __getitem__(self, index: int | slice | Sequence[int] | Tensor) -> "Cameras":
        """Select along the camera dimension; an int drops it."""
        return Cameras(self.K[..., index, :, :], self.c2w[..., index, :, :])

    def to(self, device: torch.device | str) -> "Cameras":
        """The same cameras on another device."""
        return Cameras(self.K.to(device), self.c2w.to(device))

    @property
    def origins(self) -> Tensor:
        """Camera centres in the world, [..., T, 3]."""
        return self.c2w[..., :3, 3]

    @property
    def rotations(self) -> Tensor:
        """Camera-to-world rotations, [..., T, 3, 3]."""
        return self.c2w[..., :3, :3]


def intrinsics(fx: Tensor, fy: Tensor, cx: Tensor, cy: Tensor) -> Tensor:
    """K [..., 3, 3] from already normalised focal lengths and principal point, each [...]."""
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    rows = [torch.stack(row, dim=-1) for row in ([fx, zero, cx], [zero, fy, cy], [zero, zero, one])]
    return torch.stack(rows, dim=-2)


def crop_intrinsics(K: Tensor, width: int, height: int, box: tuple[int, int, int, int]) -> Tensor:
    """K [..., 3, 3] after a width x height image is cropped to box (left, top, width, height), in pixels."""
    left, top, box_width, box_height = box
    fx, fy, cx, cy = _pinhole(K)
    return intrinsics(
        fx * width / box_width,
        fy * height / box_height,
        (cx * width - left) / box_width,
        (cy * height - top) / box_height,
    )


def from_opengl(c2w: Tensor) -> Tensor:
    """Poses [..., 4, 4] with OpenGL axes (y up, z backward) as OpenCV poses: columns 1 and 2 negated."""
    return torch.cat([c2w[..., :1], -c2w[..., 1:3], c2w[..., 3:]], dim=-1)


def with_reference(cameras: Cameras, reference: int) -> Cameras:
    """The N cameras behind a copy of camera `reference`: T = N + 1, the order of the student's frames."""
    first = cameras[reference]
    K = torch.cat([first.K.unsqueeze(-3), cameras.K], dim=-3)
    return Cameras(K, torch.cat([first.c2w.unsqueeze(-3), cameras.c2w], dim=-3))


def normalise(cameras: Cameras) -> Cameras:
    """Centred on the mean position of all T cameras, scaled so that camera 0 lies at distance 2.0.

    A camera 0 at that centre has no such scale and gives non-finite poses: see `check_first_off_centre`.
    """
    centred = cameras.origins - cameras.origins.mean(dim=-2, keepdim=True)
    scale = FIRST_CAMERA_DISTANCE / centred[..., :1, :].norm(dim=-1, keepdim=True)
    upper = torch.cat([cameras.rotations, (centred * scale)[..., None]], dim=-1)
    return Cameras(cameras.K, torch.cat([upper, cameras.c2w[..., 3:, :]], dim=-2))


def camera_rays(cameras: Cameras, height: int, width: int) -> tuple[Tensor, Tensor]:
    """World rays through the pixel centres: origins [..., T, 3] and directions [..., T, height, width, 3].

    Directions have camera-space z of 1, so that ``origin + depth * direction`` is the point at that z-depth.
    """
    fx, fy, cx, cy = (value[..., None, None] for value in _pinhole(cameras.K))
    x = (_pixel_centres(width, cameras.K) - cx) / fx
    y = (_pixel_centres(height, cameras.K)[:, None] - cy) / fy
    right, down, forward = cameras.rotations[..., None, None, :, :].unbind(-1)
    return cameras.origins, x[..., None] * right + y[..., None] * down + forward


def project(points: Tensor, cameras: Cameras, height: int, width: int) -> tuple[Tensor, Tensor]:
    """World points [..., T, P, 3] (or [P, 3], for all cameras) to pixels [..., T, P, 2] and z-depth [..., T, P].

    Pixels are (x, y), the first centre at 0.5. They mean something only where the depth is positive.
    """
    offsets = points - cameras.origins[..., None, :]
    x, y, depth = _rotate(cameras.rotations.mT[..., None, :, :], offsets).unbind(-1)
    fx, fy, cx, cy = (value[..., None] for value in _pinhole(cameras.K))
    pixels = torch.stack([(fx * x / depth + cx) * width, (fy * y / depth + cy) * height], dim=-1)
    return pixels, depth


def pluecker(cameras: Cameras, grid: int) -> Tensor:
    """Pluecker rays relative to camera 0, [..., T, 6, grid, grid]: unit direction d, then moment o x d (SEVA)."""
    origins, directions = camera_rays(cameras, grid, grid)
    world_to_first = cameras.rotations[..., :1, :, :].mT
    origins = _rotate(world_to_first, origins - origins[..., :1, :])
    directions = _rotate(world_to_first[..., None, None, :, :], directions)
    directions = directions / directions.norm(dim=-1, keepdim=True)
    moments = torch.linalg.cross(origins[..., None, None, :], directions)
    return torch.cat([directions, moments], dim=-1).movedim(-1, -3)


def check_poses(c2w: Tensor, names: Sequence[str]) -> None:
    """Raise InputError, naming the frame, unless each of c2w [N, 4, 4] is finite, rigid and right-handed.

    Rigid: rotation part orthonormal and last row (0, 0, 0, 1), both within `RIGID_TOLERANCE` in every entry.
    """
    for name, pose in zip(names, c2w.double().cpu(), strict=True):
        fault = _pose_fault(pose)
        if fault:
            raise InputError(
                f"camera pose of {name}",
                got=fault,
                expected=f"a rigid 4 x 4 camera-to-world matrix (orthonormal within {RIGID_TOLERANCE:g})",
                fix="Correct its transform_matrix, or leave the frame out.",
            )


def check_first_off_centre(cameras: Cameras) -> None:
    """Raise InputError when camera 0 of [T] lies at the mean position, where `normalise` has no scale."""
    origins = cameras.origins.double()
    distances = (origins - origins.mean(dim=-2, keepdim=True)).norm(dim=-1)
    rounding = torch.finfo(cameras.c2w.dtype).eps * origins.abs().max()
    if bool(distances[0] <= torch.maximum(CENTRE_TOLERANCE * distances.max(), rounding)):
        raise InputError(
            "camera positions",
            got=f"a first camera {float(distances[0]):g} from the cameras' mean position",
            expected="a first (reference) camera apart from the mean, which sets the scene's scale",
            fix="Take another reference view, or views from different places.",
        )


def _pinhole(K: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return K[..., 0, 0], K[..., 1, 1], K[..., 0, 2], K[..., 1, 2]


def _pixel_centres(count: int, like: Tensor) -> Tensor:
    return (torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) / count


def _rotate(rotation: Tensor, vectors: Tensor) -> Tensor:
    """R v for R [..., 3, 3] and v [..., 3], broadcast."""
    x, y, z = vectors[..., 0:1], vectors[..., 1:2], vectors[..., 2:3]
    return x * rotation[..., 0] + y * rotation[..., 1] + z * rotation[..., 2]


def _pose_fault(pose: Tensor) -> str | None:
    if not bool(torch.isfinite(pose).all()):
        return "a value that is not finite"
    rotation, last_row = pose[:3, :3], pose[3]
    if float((last_row - last_row.new_tensor([0, 0, 0, 1])).abs().max()) > RIGID_TOLERANCE:
        return f"last row {last_row.tolist()}"
    deviation = float((rotation.T @ rotation - torch.eye(3, dtype=pose.dtype)).abs().max())
    if deviation > RIGID_TOLERANCE:
        return f"a 3 x 3 part that is not a rotation (R^T R differs from the identity by {deviation:.3g})"
    return "a mirrored rotation (determinant -1)" if float(torch.linalg.det(rotation)) < 0 else None
