"""DGE's attention (arXiv 2404.18929): a few key views attend to each other; all views copy from them.

In a key pass the keys attend to all keys together, and every self-attention keeps its input and output. In the view
pass that follows, self-attention is not computed: each token takes the output at the token of a key view that looks
most like it among those near its epipolar line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from baselines.epipolar import epipolar_lines, near_lines
from baselines.points import focus
from mix2mix.attention import Attention, attend, attend_together
from mix2mix.branches import BRANCHES
from mix2mix.cameras import Cameras

IMAGE_BRANCH = 1
"""Of (text, image, null): its features are matched, and all branches copy at its matches."""

Pass = Literal["plain", "keys", "views"]


@dataclass(frozen=True)
class Source:
    """Where a view copies from: one key view, or two blended, and the share of the first."""

    keys: tuple[int, ...]
    """Positions in the list of key views, nearest first."""
    share: float = 1.0


class JointAttention:
    """An attention processor for all self-attentions of the teacher; what it does next is set before each pass."""

    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras
        self._lines: dict[int, Tensor] = {}
        self._kept: dict[Attention, tuple[Tensor, Tensor]] = {}
        self._pass: Pass = "plain"
        self._keys: Sequence[int] = ()
        self._sources: Sequence[Source] = ()

    def plain(self) -> None:
        """Each view attends to itself."""
        self._pass = "plain"

    def pass_keys(self, keys: Sequence[int]) -> None:
        """Next come the key views, indices into the cameras: they attend to each other."""
        self._pass, self._keys = "keys", keys

    def pass_views(self, sources: Sequence[Source]) -> None:
        """Next come all views, each with its source: they copy."""
        self._pass, self._sources = "views", sources

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Mix tokens [3 views, L, C]; diffusers hands no context and no mask to a self-attention."""
        if self._pass == "plain":
            return attend(attn, hidden_states, hidden_states)
        branches = hidden_states.unflatten(0, (BRANCHES, -1))
        if self._pass == "keys":
            output = attend_together(attn, hidden_states, branches.shape[1])
            self._kept[attn] = branches[IMAGE_BRANCH], output.view_as(branches)
            return output
        copies = [self._copy(attn, view, branches[IMAGE_BRANCH, view]) for view in range(len(self._sources))]
        return torch.stack(copies, dim=1).flatten(0, 1)

    def _copy(self, attn: Attention, view: int, tokens: Tensor) -> Tensor:
        """The keys' outputs at the matches of a view's tokens [L, C], blended: [3, L, C]."""
        key_tokens, outputs = self._kept[attn]
        source = self._sources[view]
        grid = isqrt(len(tokens))
        copied = []
        for key in source.keys:
            near = near_lines(self._lines_of(grid)[view, self._keys[key]], grid)
            copied.append(outputs[:, key, best_matches(tokens, key_tokens[key], near)])
        return copied[0] if len(copied) == 1 else source.share * copied[0] + (1 - source.share) * copied[1]

    def _lines_of(self, grid: int) -> Tensor:
        if grid not in self._lines:
            self._lines[grid] = epipolar_lines(self._cameras, grid)
        return self._lines[grid]


def best_matches(tokens: Tensor, others: Tensor, allowed: Tensor) -> Tensor:
    """For each of tokens [L, C] the most alike (cosine) of others [M, C] where allowed [L, M]: [L] indices.

    Where a row of `allowed` is empty, all are.
    """
    alike = normalize(tokens, dim=-1) @ normalize(others, dim=-1).mT
    open_to = allowed | ~allowed.any(dim=-1, keepdim=True)
    return alike.masked_fill(~open_to, float("-inf")).argmax(dim=-1)


def sources(cameras: Cameras, groups: Sequence[Sequence[int]], keys: Sequence[int]) -> list[Source]:
    """Of each view, by distance between cameras: the nearest key for the first group, the two nearest for the others.

    keys: one view of each group, in the groups' order. Two keys at distances d1 <= d2 are blended by
    sigmoid(d2 / (d1 + d2)).
    """
    return [_source(cameras, view, keys, 1 if view in groups[0] else 2) for view in range(len(cameras))]


def groups_by_angle(cameras: Cameras, size: int) -> list[list[int]]:
    """The views in the order of their angle around the scene, cut into groups of `size`; the last may be smaller."""
    offsets = cameras.origins - focus(cameras)
    up = normalize(-cameras.rotations[..., 1].mean(dim=0), dim=-1)
    ahead = normalize(_flat(offsets.mean(dim=0), up), dim=-1)
    aside = torch.linalg.cross(up, ahead)
    order = torch.atan2(offsets @ aside, offsets @ ahead).argsort(stable=True).tolist()
    return [order[i : i + size] for i in range(0, len(order), size)]


def _source(cameras: Cameras, view: int, keys: Sequence[int], count: int) -> Source:
    distances = (cameras.origins[list(keys)] - cameras.origins[view]).norm(dim=-1)
    nearest = distances.argsort(stable=True)[:count].tolist()
    if len(nearest) == 1:
        return Source((nearest[0],))
    first, second = distances[nearest].tolist()
    return Source((nearest[0], nearest[1]), float(torch.sigmoid(torch.tensor(second / (first + second)))))


def _flat(vector: Tensor, up: Tensor) -> Tensor:
    """The part of a vector [3] at right angles to the unit vector up [3]."""
    return vector - (vector @ up) * up
