"""Epipolar geometry between views of known pose: where the thing at a token of one view can be in another."""

import torch
from torch import Tensor

from mix2mix.cameras import Cameras


def fundamental_matrices(cameras: Cameras) -> Tensor:
    """F [N, N, 3, 3] of cameras [N]: x_v^T F[v, k] x_k = 0 where x_v and x_k (x, y, 1) show one point.

    x is in shares of the picture's width and height. F is zero between cameras of one centre, which have no such lines.
    """
    rotations, inverse = cameras.rotations, torch.linalg.inv(cameras.K)
    between = rotations[:, None].mT @ rotations[None]
    offset = cameras.origins[None] - cameras.origins[:, None]
    translation = (rotations[:, None].mT @ offset[..., None])[..., 0]
    matrices: Tensor = inverse[:, None].mT @ _cross_matrix(translation) @ between @ inverse[None]
    return matrices


def epipolar_lines(cameras: Cameras, grid: int) -> Tensor:
    """Lines [N, N, L, 3] in view k of the L = grid^2 tokens of view v, row by row: ``lines[v, k]``.

    (a, b, c) with a^2 + b^2 = 1, so that a x + b y + c is the distance in tokens of place (x, y) from the line, the
    first token's centre at 0.5. Zero where there is no line.
    """
    places = token_centres(grid, cameras.K) / cameras.K.new_tensor([grid, grid, 1.0])
    lines = places @ fundamental_matrices(cameras)  # its rows x^T F are the lines F^T x
    lines = lines * lines.new_tensor([1.0, 1.0, grid])
    scaled: Tensor = lines / lines[..., :2].norm(dim=-1, keepdim=True).clamp(min=torch.finfo(lines.dtype).tiny)
    return scaled


def near_lines(lines: Tensor, grid: int) -> Tensor:
    """Whether each of the L tokens of a key lies within one token of each line [L, 3]: [L (lines), L (tokens)] bool."""
    return (lines @ token_centres(grid, lines).mT).abs() <= 1


def token_centres(grid: int, like: Tensor) -> Tensor:
    """Homogeneous places (x, y, 1) of a grid's tokens in tokens, row by row: [grid^2, 3]."""
    centres = torch.arange(grid, device=like.device).to(like.dtype) + 0.5
    x, y = centres.repeat(grid), centres.repeat_interleave(grid)
    return torch.stack([x, y, torch.ones_like(x)], dim=-1)


def _cross_matrix(vectors: Tensor) -> Tensor:
    """[t]x [..., 3, 3] of t [..., 3]: [t]x v is the cross product of t and v."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
