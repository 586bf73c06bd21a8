"""A network whose weights are one vector: what is done to all of them at once is then one kernel, not hundreds.

A small network's update is bound by the number of kernels that it launches, and most of them would cast a weight to
bf16, cast its gradient back, clip it and step it.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call


class FlatNetwork(nn.Module):
    """A copy of `network` with `vector` [number of weights] as its one parameter; computes what the network does.

    Under autocast the weights of convolutions and linear layers are cast together, as autocast itself would one by
    one; those of norms stay in fp32. Weights that the output does not depend on get a gradient of zero.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        named = dict(network.named_parameters())
        matrices = [name for name in named if _is_matrix(network, name)]
        others = [name for name in named if name not in set(matrices)]
        self._groups = [{name: _layout(named[name]) for name in group} for group in (matrices, others)]
        self._counts = [sum(layout.count for layout in group.values()) for group in self._groups]
        in_memory = [named[name].detach().permute(_layout(named[name]).order) for name in [*matrices, *others]]
        self.vector = nn.Parameter(torch.cat([weight.flatten() for weight in in_memory]))
        # Shapes and code alone, and out of sight of parameters(): its weights are handed to it at every call.
        self._template = (copy.deepcopy(network).to("meta"),)

    @property
    def template(self) -> nn.Module:
        """The network that computes, without weights of its own."""
        return self._template[0]

    def forward(self, latents: Tensor, *signals: Tensor | int) -> Tensor:
        """The network's own, from the vector."""
        matrices, others = self.vector.split(self._counts)
        if torch.is_autocast_enabled(self.vector.device.type):
            matrices = matrices.to(torch.get_autocast_dtype(self.vector.device.type))
        weights = {**_carve(matrices, self._groups[0]), **_carve(others, self._groups[1])}
        output: Tensor = functional_call(self._template[0], weights, (latents, *signals))
        return output

    def weights(self) -> dict[str, Tensor]:
        """The weights by the network's names, sharing memory with the vector."""
        matrices, others = self.vector.detach().split(self._counts)
        return {**_carve(matrices, self._groups[0]), **_carve(others, self._groups[1])}


@dataclass(frozen=True)
class Layout:
    """How a weight lies in the vector: its dimensions in the order in which they lie in memory, and their sizes."""

    order: tuple[int, ...]
    sizes: tuple[int, ...]
    back: tuple[int, ...]
    """The permutation from there to the weight's own dimensions."""

    @property
    def count(self) -> int:
        """Numbers in the weight."""
        return math.prod(self.sizes)


def _layout(weight: Tensor) -> Layout:
    """A weight's own layout: a convolution in channels-last format keeps it without a copy at every use."""
    order = sorted(range(weight.dim()), key=lambda dim: (-weight.stride()[dim], dim))
    back = sorted(range(weight.dim()), key=order.__getitem__)
    return Layout(tuple(order), tuple(weight.shape[dim] for dim in order), tuple(back))


def _is_matrix(network: nn.Module, name: str) -> bool:
    return isinstance(network.get_submodule(name.rpartition(".")[0]), nn.Linear | nn.Conv2d)


def _carve(vector: Tensor, layouts: dict[str, Layout]) -> dict[str, Tensor]:
    parts = vector.split([layout.count for layout in layouts.values()])
    return {
        name: part.view(layout.sizes).permute(layout.back)
        for (name, layout), part in zip(layouts.items(), parts, strict=True)
    }
