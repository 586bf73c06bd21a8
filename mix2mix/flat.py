"""A network whose weights are one vector: what is done to all of them at once is then one kernel, not hundreds.

A small network's update is bound by the number of kernels that it launches, and most of them would cast a weight to
bf16, cast its gradient back, clip it and step it.
"""

import copy

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
        self._shapes = [{name: named[name].shape for name in group} for group in (matrices, others)]
        self._counts = [sum(shape.numel() for shape in group.values()) for group in self._shapes]
        self.vector = nn.Parameter(torch.cat([named[name].detach().flatten() for name in [*matrices, *others]]))
        # Shapes and code alone, and out of sight of parameters(): its weights are handed to it at every call.
        self._template = (copy.deepcopy(network).to("meta"),)

    def forward(self, latents: Tensor, *signals: Tensor | int) -> Tensor:
        """The network's own, from the vector."""
        matrices, others = self.vector.split(self._counts)
        if torch.is_autocast_enabled(self.vector.device.type):
            matrices = matrices.to(torch.get_autocast_dtype(self.vector.device.type))
        weights = {**_carve(matrices, self._shapes[0]), **_carve(others, self._shapes[1])}
        output: Tensor = functional_call(self._template[0], weights, (latents, *signals))
        return output

    def weights(self) -> dict[str, Tensor]:
        """The weights by the network's names, sharing memory with the vector."""
        matrices, others = self.vector.detach().split(self._counts)
        return {**_carve(matrices, self._shapes[0]), **_carve(others, self._shapes[1])}


def _is_matrix(network: nn.Module, name: str) -> bool:
    return isinstance(network.get_submodule(name.rpartition(".")[0]), nn.Linear | nn.Conv2d)


def _carve(vector: Tensor, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    parts = vector.split([shape.numel() for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
