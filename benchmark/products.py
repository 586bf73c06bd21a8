"""How long products of matrices take whole, and in parts: `python -m benchmark.products`.

Compiled networks have them in parts where the result is as wide as SEVA's finest features.
"""

import argparse
import sys
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.benchmark import Timer

from mix2mix.products import ROWS, WIDTH

INNER = (WIDTH, 3 * WIDTH, 4 * WIDTH)
"""Of attention's output, of the gradient of queries, keys and values, and of a feed-forward layer."""


def whole(left: Tensor, right: Tensor) -> Tensor:
    """[parts, rows, k] by [k, n] to [parts x rows, n], as one product."""
    return left.flatten(0, 1) @ right


def in_parts(left: Tensor, right: Tensor) -> Tensor:
    """The same as a batch of products."""
    return torch.bmm(left, right.expand(len(left), -1, -1)).flatten(0, 1)


def microseconds(product: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor, seconds: float) -> float:
    """The median of runs for so long."""
    timer = Timer("product(left, right)", globals={"product": product, "left": left, "right": right})
    return float(timer.blocked_autorange(min_run_time=seconds).median) * 1e6


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each size of product, on the GPU where there is one."""
    parser = argparse.ArgumentParser(prog="benchmark.products", description=__doc__)
    parser.add_argument("--frames", type=int, default=5, help="views and the reference: so many parts")
    parser.add_argument("--rows", type=int, default=ROWS, help="tokens of each")
    parser.add_argument("--seconds", type=float, default=0.5, help="to time each product for")
    options = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for inner in INNER:
        left = torch.randn(options.frames, options.rows, inner, dtype=torch.bfloat16, device=device)
        right = torch.randn(inner, WIDTH, dtype=torch.bfloat16, device=device)
        one, many = (microseconds(product, left, right, options.seconds) for product in (whole, in_parts))
        size = f"{options.frames * options.rows} x {inner} by {inner} x {WIDTH}"
        print(f"{size}: whole {one:.1f} us, in {options.frames} parts {many:.1f} us, {one / many:.2f} times as fast")
    return 0


if __name__ == "__main__":
    sys.exit(main())
