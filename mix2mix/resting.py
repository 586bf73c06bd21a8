"""Networks that an edit needs for a moment rest in main memory, and are on the GPU only while they are at work."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def awake(network: nn.Module, device: torch.device | str) -> Iterator[None]:
    """Within the block a frozen network is on the device; afterwards it rests where it was, and nothing is copied back.

    A network that is there already just stays.
    """
    tensors = [*network.parameters(), *network.buffers()]
    resting = [tensor.data for tensor in tensors]
    # Scores are taken in inference mode, where new tensors could not take the place of a network's own.
    with torch.inference_mode(False):
        for tensor in tensors:
            tensor.data = tensor.data.to(device)
    try:
        yield
    finally:
        with torch.inference_mode(False):
            for tensor, rest in zip(tensors, resting, strict=True):
                tensor.data = rest
