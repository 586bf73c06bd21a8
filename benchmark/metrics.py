"""The paper's three CLIP scores and one look-alike, as pure functions of raw features.

O is an original view, E its edit, p the original prompt, q the edited prompt. Features come raw and are normalised
here, before any difference is taken. All scores lie in [-1, 1], higher is better. Cons rewards a non-edit: read it
beside Dir.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

ZERO_LENGTH = 1e-6
"""A difference of unit vectors shorter than this is fp32 rounding: it has no direction and scores 0."""


def clip_sim(edited: Tensor, edited_prompt: Tensor) -> Tensor:
    """CLIP Sim of every view, [N]: cos(E, q). ``edited`` [N, D], ``edited_prompt`` [D]."""
    return _unit(edited) @ _unit(edited_prompt)


def clip_dir(original: Tensor, edited: Tensor, original_prompt: Tensor, edited_prompt: Tensor) -> Tensor:
    """CLIP Dir of every view, [N]: cos(E - O, q - p). Views [N, D], prompts [D]."""
    return _cosine(_unit(edited) - _unit(original), _unit(edited_prompt) - _unit(original_prompt))


def clip_cons(original: Tensor, edited: Tensor) -> Tensor:
    """CLIP Cons of every unordered pair of views, [N (N - 1) / 2] as in `view_pairs`: cos(O_i - O_j, E_i - E_j)."""
    i, j = view_pairs(len(original)).unbind(dim=1)
    original, edited = _unit(original), _unit(edited)
    return _cosine(original[i] - original[j], edited[i] - edited[j])


def clip_cons_consecutive(original: Tensor, edited: Tensor) -> Tensor:
    """The other reading of consistency, over consecutive views, [N - 1]: cos(E_i - O_i, E_i+1 - O_i+1)."""
    directions = _unit(edited) - _unit(original)
    return _cosine(directions[:-1], directions[1:])


def view_pairs(views: int) -> Tensor:
    """Indices (i, j) of all unordered pairs i < j, [N (N - 1) / 2, 2]: (0, 1), (0, 2), ..."""
    return torch.combinations(torch.arange(views), 2)


def _unit(features: Tensor) -> Tensor:
    return normalize(features.float(), dim=-1, eps=0.0)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    lengths = a.norm(dim=-1), b.norm(dim=-1)
    directed = (lengths[0] > ZERO_LENGTH) & (lengths[1] > ZERO_LENGTH)
    return torch.where(directed, (a * b).sum(dim=-1) / (lengths[0] * lengths[1]), 0.0)
