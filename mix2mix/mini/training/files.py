"""Files of a training run, each there whole or not at all."""

import os
from pathlib import Path
from typing import Any

import torch


def save_whole(state: dict[str, Any], path: Path) -> None:
    """Write tensors to a file that is never seen half written; two processes may do so at once."""
    partial = path.with_suffix(f".{os.getpid()}")
    torch.save(state, partial)
    partial.replace(path)
