"""What takes a gradient to an update: what distillation asks of it, and torch's own AdamW behind that.

`mix2mix.lean` has the other, for networks so large that managing their weights would take a fifth of the time.
"""

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor, nn


class Optimiser(Protocol):
    """Clips the gradient and takes AdamW's step, on tensors that stay in place."""

    lr: Tensor
    """Learning rate [], to be set in place."""
    norm: Tensor
    """Norm [] of the latest gradient before it was clipped."""

    def forget(self) -> None:
        """Drop the gradient."""

    def step(self, clip: float) -> None:
        """Take one step by the gradient, scaled down to a norm of `clip` where it is longer."""


class ClippedAdamW:
    """torch's fused AdamW behind torch's clipping."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        self._parameters = list(parameters)
        device = self._parameters[0].device
        self.lr, self.norm = torch.tensor(lr, device=device), torch.zeros((), device=device)
        self.inner = torch.optim.AdamW(
            self._parameters, lr=self.lr, weight_decay=weight_decay, fused=True, capturable=device.type == "cuda"
        )

    def forget(self) -> None:
        """Drop the gradient."""
        self.inner.zero_grad(set_to_none=True)

    def step(self, clip: float) -> None:
        """Clip, and take AdamW's step."""
        self.norm.copy_(torch.nn.utils.clip_grad_norm_(self._parameters, clip))
        self.inner.step()
