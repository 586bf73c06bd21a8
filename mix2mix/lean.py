"""AdamW for a large network: one pass over its weights, which lie in bf16 where the network computes with them.

The network's matrices are differentiated as bf16 leaves, and their gradients arrive in bf16, as autocast computes them
anyway. A step reads the norm of all gradients, then updates weights and moments leaf by leaf. In all 22 bytes are
moved a weight and update, where fp32 weights, cast, with gradients cast back, clipped, and torch's fused AdamW move 64.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mix2mix.flat import Shell, carve, joined, layouts, matrices_and_others
from mix2mix.halves import joined_bytes, joined_halves, split_bytes, split_halves

BETAS, EPS = (0.9, 0.999), 1e-8
"""AdamW's own defaults, which the published code keeps."""

LARGE = 1 << 20
"""Numbers from which on a weight is a leaf of its own. In SEVA 1.1 these are nine tenths of all numbers, and of 16
sizes. The others share a leaf: their gradients must first be put in one row."""

ROW = 16
"""Numbers that a kernel for any number of rows may read at once."""

FIRST = torch.bfloat16
"""What first moments are kept in: they are means over ten steps, to which a rounding by 1/512 at each adds little.

Second moments are means over a thousand, and would not move in so coarse steps: they keep a third byte."""


class Pace(NamedTuple):
    """What a step does to all weights alike, each a factor [] in fp32."""

    clip: Tensor
    """On the gradient."""
    decay: Tensor
    """On the weight: 1 - lr x weight decay."""
    rate: Tensor
    """On the first moment: lr / (1 - beta1^n)."""
    root: Tensor
    """On the second moment's root: 1 / sqrt(1 - beta2^n)."""


class Halved(NamedTuple):
    """Numbers [n] in halves, with AdamW's moments of them."""

    leaf: nn.Parameter
    """The upper halves as bf16: what the network computes with."""
    lower: Tensor
    first: Tensor
    second: Tensor
    tail: Tensor
    """The second moments' third bytes."""

    @property
    def pieces(self) -> list[Tensor]:
        """All of them, in whole rows."""
        return [rows_of(piece) for piece in (self.leaf.detach().view(torch.int16), *self[1:])]


Compile = Callable[[Callable[..., None]], Callable[..., None]]
"""Makes a faster function of one."""


class LeanNetwork(nn.Module):
    """A copy of `network` on `device`, its matrices in halves, for use under autocast to bf16; norms stay in fp32.

    Computes what the network does. A leaf that the output does not depend on gets no gradient, which `LeanAdamW` takes
    for zero.
    """

    def __init__(self, network: nn.Module, device: torch.device | str, large: int = LARGE) -> None:
        super().__init__()
        matrices, others = matrices_and_others(network)
        self._groups = [layouts(group) for group in _leaves(matrices, large)]
        self._others = layouts(others)
        leaves = (joined(matrices[name].to(device) for name in group) for group in self._groups)
        halves = [split_halves(whole_rows(leaf)) for leaf in leaves]
        self.leaves = nn.ParameterList(nn.Parameter(upper.view(torch.bfloat16)) for upper, _ in halves)
        self.lowers = [lower for _, lower in halves]
        self.others = nn.Parameter(joined(others.values()).to(device))
        self._shell = (Shell(network),)  # in a tuple: out of sight of parameters()

    @property
    def template(self) -> nn.Module:
        """The network that computes, without weights of its own."""
        return self._shell[0].network

    def forward(self, latents: Tensor, *signals: Tensor | int) -> Tensor:
        """The network's own, from the leaves."""
        weights = carve(self.others, self._others)
        for leaf, group in zip(self.leaves, self._groups, strict=True):
            weights |= carve(leaf, group)
        return self._shell[0].run(weights, latents, *signals)

    def weights(self) -> dict[str, Tensor]:
        """The weights in fp32 by the network's names."""
        weights = carve(self.others.detach(), self._others)
        for leaf, lower, group in zip(self.leaves, self.lowers, self._groups, strict=True):
            numbers = joined_halves(leaf.detach().view(torch.int16), lower)
            weights |= carve(numbers, group)
        return weights


class LeanAdamW:
    """AdamW and the clipping of gradients for a `LeanNetwork`, and for what is trained in fp32 beside it.

    `compile` is given the passes over a leaf of halved weights.
    """

    def __init__(
        self,
        network: LeanNetwork,
        others: Sequence[nn.Parameter],
        lr: float,
        weight_decay: float,
        compile: Compile = lambda function: function,
    ) -> None:
        device = network.others.device
        self.lr, self.norm = torch.tensor(lr, device=device), torch.zeros((), device=device)
        self._count = torch.zeros((), dtype=torch.float64, device=device)
        self._weight_decay, self._move, self._fade = weight_decay, compile(move_halves), compile(fade_halves)
        self._halved = [
            Halved(leaf, lower, *(torch.zeros_like(leaf, dtype=kind) for kind in (FIRST, torch.int16, torch.int8)))
            for leaf, lower in zip(network.leaves, network.lowers, strict=True)
        ]
        self._moving: set[int] = set()
        """Leaves that have had a gradient."""
        self._whole = [(weight, torch.zeros_like(weight), torch.zeros_like(weight))
                       for weight in (network.others, *others)]  # fmt: skip

    def forget(self) -> None:
        """Drop the gradient."""
        for leaf in self._leaves():
            leaf.grad = None

    @torch.no_grad()
    def step(self, clip: float) -> None:
        """Take one step by the gradient, scaled down to a norm of `clip` where it is longer."""
        self.norm.copy_(norm_of(self._leaves()))
        pace = self._pace(clip)
        for number, each in enumerate(self._halved):
            if each.leaf.grad is not None:
                self._moving.add(number)
            if number in self._moving:
                self._move(*each.pieces, rows_of(gradient_of(each.leaf)), pace)
            else:
                self._fade(*each.pieces[:2], pace)
        for weight, first, second in self._whole:
            moved = moved_by(weight, first, second, gradient_of(weight), pace)
            for old, new in zip((weight, first, second), moved, strict=True):
                old.copy_(new)

    def _leaves(self) -> list[nn.Parameter]:
        return [*(halved.leaf for halved in self._halved), *(weight for weight, *_ in self._whole)]

    def _pace(self, clip: float) -> Pace:
        """Of the step that is about to be taken; nothing is read back to the host."""
        self._count.add_(1)
        lr, (beta1, beta2) = self.lr.double(), BETAS
        factors = (
            (clip / (self.norm.double() + 1e-6)).clamp(max=1),  # as torch clips
            1 - lr * self._weight_decay,
            lr / (1 - torch.pow(beta1, self._count)),
            (1 - torch.pow(beta2, self._count)).rsqrt(),
        )
        return Pace(*(factor.float() for factor in factors))


def moved_by(
    weight: Tensor, first: Tensor, second: Tensor, gradient: Tensor, pace: Pace
) -> tuple[Tensor, Tensor, Tensor]:
    """AdamW's step (arXiv 1711.05101, algorithm 2) on fp32 tensors of one shape: weight and both moments after it."""
    gradient = gradient * pace.clip
    first = first + (1 - BETAS[0]) * (gradient - first)
    second = BETAS[1] * second + (1 - BETAS[1]) * gradient * gradient
    return pace.decay * weight - pace.rate * first / (second.sqrt() * pace.root + EPS), first, second


def move_halves(
    upper: Tensor, lower: Tensor, first: Tensor, second: Tensor, tail: Tensor, gradient: Tensor, pace: Pace
) -> None:
    """AdamW's step in place, on weights in halves (int16), moments, and a bf16 gradient, all of one shape."""
    before = joined_halves(upper, lower), first.float(), joined_bytes(second, tail)
    weight, new_first, new_second = moved_by(*before, gradient.float(), pace)
    first.copy_(new_first)
    for pieces, new in ((upper, lower), split_halves(weight)), ((second, tail), split_bytes(new_second)):
        for old, piece in zip(pieces, new, strict=True):
            old.copy_(piece)


def fade_halves(upper: Tensor, lower: Tensor, pace: Pace) -> None:
    """The same where there has never been a gradient: weights in halves decay, and moments stay zero."""
    for old, piece in zip((upper, lower), split_halves(pace.decay * joined_halves(upper, lower)), strict=True):
        old.copy_(piece)


def whole_rows(numbers: Tensor) -> Tensor:
    """Numbers [n], and zeros up to whole rows: they have no gradient, and stay zero."""
    return F.pad(numbers, (0, -len(numbers) % ROW))


def rows_of(numbers: Tensor) -> Tensor:
    """Numbers [rows x ROW] as [rows, ROW]."""
    return numbers.view(-1, ROW)


def gradient_of(leaf: nn.Parameter) -> Tensor:
    """What a backward pass has left; zero where the output does not depend on the leaf."""
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def norm_of(leaves: Sequence[nn.Parameter]) -> Tensor:
    """Of all gradients that a backward pass has left [] in fp32: one pass over each, which writes nothing."""
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    if not gradients:
        raise RuntimeError("a step was asked for before a backward pass")
    groups = groupby(gradients, key=attrgetter("dtype"))  # those of one precision are read by one kernel
    norms = [norm for _, group in groups for norm in torch._foreach_norm(list(group), 2, dtype=torch.float32)]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return norm


def _leaves(weights: Mapping[str, Tensor], large: int) -> list[dict[str, Tensor]]:
    """Weights that are leaves by themselves, and last the others together."""
    alone = [{name: weight} for name, weight in weights.items() if weight.numel() >= large]
    together = {name: weight for name, weight in weights.items() if weight.numel() < large}
    return [*alone, together] if together else alone
