"""The training loop: AdamW with warm-up and cosine decay, averaged weights, checkpoints, steps as CUDA graphs."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mix2mix.mini.training.files import save_whole
from mix2mix.mini.training.ranks import Ranks

_LOG_EVERY = 500
_CLOCK_EVERY = 50
"""Steps between two looks at the clock where several processes must agree on it."""
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class FitConfig:
    """How one network is trained. `average` is the decay of the weights' running mean, which is what ships."""

    steps: int
    batch: int
    """Of all processes together."""
    lr: float
    warmup: int = 300
    average: float = 0.999
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    seed: int = 0


def learning_rate(step: int, config: FitConfig) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Fit:
    """A training run of one module that can stop at any step and resume from its checkpoint."""

    def __init__(
        self, model: nn.Module, loss: Callable[[], Tensor], config: FitConfig, checkpoint: Path, ranks: Ranks
    ) -> None:
        """`loss()` draws this process's part of a batch from the default generator and returns a scalar."""
        self.model, self.loss, self.config, self.checkpoint, self.ranks = model, loss, config, checkpoint, ranks
        self.parameters: list[Tensor] = [p for p in model.parameters() if p.requires_grad]
        self.cuda = self.parameters[0].is_cuda
        self.lr = torch.tensor(config.lr, device=self.parameters[0].device)
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=self.lr, weight_decay=config.weight_decay, fused=True, capturable=self.cuda
        )
        self.mean = [p.detach().clone() for p in self.parameters]
        self.last_loss = torch.zeros((), device=self.lr.device)
        self.step = 0

    def run(self, until: float) -> bool:
        """Train until done, or until the clock (time.monotonic) passes `until`; True when done."""
        self._resume()
        torch.manual_seed((self.config.seed + self.step) * self.ranks.count + self.ranks.index)
        advance = self._captured() if self.cuda else self._advance
        start, first = time.monotonic(), self.step
        while self.step < self.config.steps and self._has_time(until):
            self.lr.fill_(learning_rate(self.step, self.config))
            advance()
            self.step += 1
            if self.ranks.first and (self.step % _LOG_EVERY == 0 or self.step == self.config.steps):
                self._tell((self.step - first) / (time.monotonic() - start))
                self._save()
        if self.ranks.first:
            self._save()
        return self.step >= self.config.steps

    def _has_time(self, until: float) -> bool:
        if self.ranks.count > 1 and self.step % _CLOCK_EVERY:
            return True
        return self.ranks.first_decides(time.monotonic() < until)

    def _tell(self, rate: float) -> None:
        loss = self.last_loss.item()
        print(f"{self.checkpoint.stem}: step {self.step}/{self.config.steps} loss {loss:.5f} {rate:.1f}/s", flush=True)

    def use_average(self) -> None:
        """Put the averaged weights into the model."""
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.mean)

    def _advance(self) -> None:
        self._differentiate()
        self._exchange()
        self._apply()

    def _differentiate(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self.lr.device.type, torch.bfloat16, enabled=self.cuda, cache_enabled=False):
            loss = self.loss()
        loss.backward()
        self.last_loss.copy_(loss.detach())

    def _exchange(self) -> None:
        self.ranks.average_([p.grad for p in self.parameters if p.grad is not None])

    def _apply(self) -> None:
        nn.utils.clip_grad_norm_(self.parameters, self.config.gradient_clip)
        self.optimiser.step()
        torch._foreach_lerp_(self.mean, self.parameters, 1 - self.config.average)

    def _captured(self) -> Callable[[], None]:
        """The step as two CUDA graphs, the exchange between them: launching its kernels one by one costs more."""
        kept = self._state()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side), torch.enable_grad():
            for _ in range(3):
                self._advance()
        torch.cuda.current_stream().wait_stream(side)
        self.optimiser.zero_grad(set_to_none=True)
        first, second = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        # Thread-local: the exchange's own thread may ask after its events at any time.
        with torch.cuda.graph(first, stream=side, capture_error_mode="thread_local"):
            self._differentiate()
        with torch.cuda.graph(second, stream=side, capture_error_mode="thread_local"):
            self._apply()
        self._restore(kept)

        def step() -> None:
            first.replay()
            self._exchange()
            second.replay()

        return step

    def _state(self) -> dict[str, Any]:
        """A copy of everything that changes; a parameter that never had a gradient has zero moments."""
        slots = [self.optimiser.state.get(p, {}) for p in self.parameters]
        moments = {
            "step": [s.get("step", torch.zeros(())).clone() for s in slots],
            **{
                k: [s.get(k, torch.zeros_like(p)).clone() for s, p in zip(slots, self.parameters, strict=True)]
                for k in _MOMENTS
            },
        }
        return {"parameters": [p.detach().clone() for p in self.parameters], "mean": [m.clone() for m in self.mean],
                "moments": moments, "step": self.step}  # fmt: skip

    def _restore(self, state: dict[str, Any]) -> None:
        """Copy a state back in place (a captured graph keeps its addresses)."""
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, state["parameters"])
            torch._foreach_copy_(self.mean, state["mean"])
            for i, p in enumerate(self.parameters):
                for name, value in self.optimiser.state.get(p, {}).items():
                    value.copy_(state["moments"][name][i])
        self.step = state["step"]

    def _save(self) -> None:
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        save_whole(self._state(), self.checkpoint)

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.lr.device, weights_only=True)
        for p, *slots in zip(self.parameters, *state["moments"].values(), strict=True):
            self.optimiser.state[p] = {k: v.clone() for k, v in zip(state["moments"], slots, strict=True)}
        self._restore(state)
