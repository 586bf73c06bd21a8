"""Options that several commands share, and what their texts mean."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mix2mix.errors import InputError

Run = Callable[[argparse.Namespace], int]
"""What a command does with its arguments; its exit status."""

if TYPE_CHECKING:
    from mix2mix.bundles import BundleSettings, Weights

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_command(
    commands: "Commands",
    name: str,
    run: Run,
    *,
    purpose: str,
    details: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command with its help: one line of purpose, details on what it reads and writes, and an example."""
    parser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.\n\n{details}",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """``--bundle`` and ``--weights``."""
    parser.add_argument("--bundle", default="mini", help="set of models, see `mix2mix list bundles` (default: mini)")
    parser.add_argument(
        "--weights", metavar="DIR|random", type=weights, help="its weights' folder, or random ones: never scored"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """``--device``."""
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, ... (default: the GPU where there is one)")


def add_memory(parser: argparse.ArgumentParser) -> None:
    """``--memory``."""
    parser.add_argument(
        "--memory", choices=("normal", "low"), default="normal",
        help="low: I-Mix2Mix takes less of a GPU's memory, and more time (default: normal)",
    )  # fmt: skip


def add_devices(parser: argparse.ArgumentParser) -> None:
    """``--device`` or, for several, ``--devices``."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, ... (default: the GPU where there is one)")
    choice.add_argument(
        "--devices",
        type=names,
        help="several, on which cells run side by side: cuda:0,cuda:1 or all (every GPU); one named twice is shared",
    )


def integers(text: str) -> tuple[int, ...]:
    """``0,2,5`` as numbers from 0 up."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0 or max(numbers) >= 2**32:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected whole numbers from 0 up with commas, such as 0,1,2,3")
    return numbers


def weights(text: str) -> "Weights":
    """A folder of weights, or `random`."""
    from mix2mix.bundles import parse_weights

    return parse_weights(text)


def names(text: str) -> tuple[str, ...]:
    """``a, b`` as names."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected names with commas between them")
    return found


def seed(text: str) -> int:
    """A seed: a whole number from 0 up that fits in 32 bits."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected a whole number from 0 up")
    return int(text)


def guidance(text: str) -> float:
    """A guidance scale: from 0 to 100."""
    try:
        scale = float(text)
    except ValueError:
        scale = float("nan")
    if not 0 <= scale <= 100:
        raise argparse.ArgumentTypeError(f"got '{text}'; expected a number from 0 to 100")
    return scale


def find_device(name: str) -> str:
    """The device of that name, where this machine has it; ``auto`` is its GPU or else its CPU."""
    import torch

    gpus = torch.cuda.device_count()
    if name == "auto":
        return "cuda" if gpus else "cpu"
    here = ["cpu", *(["cuda"] if gpus else []), *(f"cuda:{index}" for index in range(gpus))]
    if name not in here:
        fix = "Leave --device out to take the best one; `mix2mix doctor` tells what torch sees."
        raise InputError("device", got=f"'{name}'", expected=f"one of {', '.join(here)}, as torch sees here", fix=fix)
    return name


def warn_uncompiled(settings: "BundleSettings", device: str) -> None:
    """One line on stderr where a bundle's networks should be compiled on the device and cannot."""
    from mix2mix.compiling import uncompiled_because

    if why := uncompiled_because(settings, device):
        print(f"note    {why}", file=sys.stderr)


def find_devices(wanted: Sequence[str]) -> tuple[str, ...]:
    """The devices of those names, ``all`` being every GPU; one that is named twice is for two workers to share."""
    if tuple(wanted) == ("all",):
        return _every_gpu()
    found = [find_device(name) for name in wanted]
    if len(found) > 1:
        found = ["cuda:0" if device == "cuda" else device for device in found]
    return tuple(found)


def _every_gpu() -> tuple[str, ...]:
    import torch

    count = torch.cuda.device_count()
    if count == 0:
        fix = "Use --device cpu; `mix2mix doctor` tells what torch sees."
        raise InputError("devices", got="'all'", expected="a machine with GPUs that torch sees", fix=fix)
    return tuple(f"cuda:{index}" for index in range(count))
