"""A network whose weights are one vector: what is done to all of them at once is then one kernel, not hundreds.

A small network's update is bound by the number of kernels that it launches, and most of them would cast a weight to
bf16, cast its gradient back, clip it and step it.
"""

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class FlatNetwork(nn.Module):
    """A copy of `network` with `vector` [number of weights] as its one parameter; computes what the network does.

    Under autocast the weights of convolutions and linear layers are cast together, as autocast itself would one by
    one; those of norms stay in fp32. Weights that the output does not depend on get a gradient of zero.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._groups = [layouts(group) for group in matrices_and_others(network)]
        self._counts = [total(group) for group in self._groups]
        named = dict(network.named_parameters())
        self.vector = nn.Parameter(joined(named[name] for group in self._groups for name in group))
        self._shell = (Shell(network),)  # in a tuple: out of sight of parameters()

    @property
    def template(self) -> nn.Module:
        """The network that computes, without weights of its own."""
        return self._shell[0].network

    def forward(self, latents: Tensor, *signals: Tensor | int) -> Tensor:
        """The network's own, from the vector."""
        matrices, others = self.vector.split(self._counts)
        if torch.is_autocast_enabled(self.vector.device.type):
            matrices = matrices.to(torch.get_autocast_dtype(self.vector.device.type))
        return self._shell[0].run(self._carve(matrices, others), latents, *signals)

    def weights(self) -> dict[str, Tensor]:
        """The weights by the network's names, sharing memory with the vector."""
        return self._carve(*self.vector.detach().split(self._counts))

    def _carve(self, matrices: Tensor, others: Tensor) -> dict[str, Tensor]:
        return {**carve(matrices, self._groups[0]), **carve(others, self._groups[1])}


class Shell:
    """A network's code and shapes, whose weights are handed to it at every call.

    It keeps them until the next call: a backward pass that computes a block again finds them where they were.
    """

    def __init__(self, network: nn.Module) -> None:
        # Copied as if it had no memory: a large network's weights are not there twice, not even for a moment.
        weightless: dict[int, Tensor] = {id(p): nn.Parameter(p.detach().to("meta")) for p in network.parameters()}
        self.network: nn.Module = copy.deepcopy(network, weightless)
        self._places = {name: _place(self.network, name) for name, _ in network.named_parameters()}
        for module, name in self._places.values():
            delattr(module, name)

    def run(self, weights: Mapping[str, Tensor], latents: Tensor, *signals: Tensor | int) -> Tensor:
        """The network's output with these weights, by its names for them."""
        for name, weight in weights.items():
            module, attribute = self._places[name]
            module.__dict__[attribute] = weight  # no parameter of the module's: one of another vector's views
        output: Tensor = self.network(latents, *signals)
        return output


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


def matrices_and_others(network: nn.Module) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """A network's weights by name: those of convolutions and linear layers, which autocast casts, and the others."""
    named = dict(network.named_parameters())
    matrices = {name: weight for name, weight in named.items() if _is_matrix(network, name)}
    return matrices, {name: weight for name, weight in named.items() if name not in matrices}


def layouts(weights: Mapping[str, Tensor]) -> dict[str, Layout]:
    """How each weight lies in a vector of them all."""
    return {name: _layout(weight) for name, weight in weights.items()}


def total(group: Mapping[str, Layout]) -> int:
    """Numbers in all weights together."""
    return sum(layout.count for layout in group.values())


def joined(weights: Iterable[Tensor]) -> Tensor:
    """One vector of weights, each as it lies in memory."""
    return torch.cat([weight.detach().permute(_layout(weight).order).flatten() for weight in weights])


def carve(vector: Tensor, group: Mapping[str, Layout]) -> dict[str, Tensor]:
    """Views of a vector as the weights that lie in it one after another; there may be more numbers at its end."""
    counts, parts = [layout.count for layout in group.values()], [vector]
    if counts != [len(vector)]:  # the gradient of one part is itself; those of several have to be put in one row
        *parts, _ = vector.split([*counts, len(vector) - sum(counts)])
    return {
        name: part.view(layout.sizes).permute(layout.back)
        for (name, layout), part in zip(group.items(), parts, strict=True)
    }


def _layout(weight: Tensor) -> Layout:
    """A weight's own layout: a convolution in channels-last format keeps it without a copy at every use."""
    order = sorted(range(weight.dim()), key=lambda dim: (-weight.stride()[dim], dim))
    back = sorted(range(weight.dim()), key=order.__getitem__)
    return Layout(tuple(order), tuple(weight.shape[dim] for dim in order), tuple(back))


def _is_matrix(network: nn.Module, name: str) -> bool:
    return isinstance(network.get_submodule(name.rpartition(".")[0]), nn.Linear | nn.Conv2d)


def _place(network: nn.Module, name: str) -> tuple[nn.Module, str]:
    """The module that holds a weight, and the weight's name there."""
    module, _, attribute = name.rpartition(".")
    return network.get_submodule(module), attribute
