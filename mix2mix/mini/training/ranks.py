"""One training run on several GPUs: a process each, with data of its own, that share gradients and the time to stop.

`torchrun --standalone --nproc-per-node 4 -m mix2mix.mini.training ...` starts them; without it there is one, alone.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor, distributed
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """Process number `index` of `count`, whose tensors live on `device`."""

    device: str
    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.index == 0

    def share_of(self, items: Iterable[T]) -> Iterable[T]:
        """Every `count`-th item, from the `index`-th on: this process's own."""
        return islice(items, self.index, None, self.count)

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their mean over all processes, in one exchange."""
        if self.count == 1:
            return
        flat = _flatten_dense_tensors(tensors)
        distributed.all_reduce(flat)
        torch._foreach_copy_(list(tensors), list(_unflatten_dense_tensors(flat / self.count, tensors)))

    def first_decides(self, answer: bool) -> bool:
        """The first process's answer, in all of them: whoever went on alone would wait for the others for ever."""
        if self.count == 1:
            return answer
        told = torch.tensor([int(answer)], device=self.device)
        distributed.broadcast(told, src=0)
        return bool(told.item())

    def meet(self) -> None:
        """Wait until all are here: what the first one wrote can then be read."""
        if self.count > 1:
            distributed.barrier()


def join(device: str) -> Ranks:
    """This process among those that the launcher started, each on a GPU of its own where `device` is cuda."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Ranks(device)
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return Ranks(device, distributed.get_rank(), count)


def leave(ranks: Ranks) -> None:
    """End what `join` began."""
    if ranks.count > 1:
        distributed.destroy_process_group()
