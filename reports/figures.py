"""Figure 7 of the paper: how the teacher's timestep is distributed, in closed form and as it is drawn. No torch.

Colours are Okabe and Ito's, which the colour-blind can tell apart; each curve also has its own dashes, for print.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import pairwise
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BIN = 25
"""Timesteps in a bar of the histogram: the spacing of the student's timesteps."""

STYLES = (("#0072B2", "solid"), ("#D55E00", "dashed"), ("#009E73", "dashdot"), ("#CC79A7", "dotted"))
"""Colour and dashes of each curve."""


@dataclass(frozen=True)
class Curve:
    """A distribution of the teacher's timestep t: its sharpness f, and one value for each t from `tau` up.

    `density` is the closed form per timestep at t + 1/2, as a drawn t is the floor of a number; `draws` counts them.
    """

    f: float
    tau: int
    density: tuple[float, ...]
    draws: tuple[int, ...]


def figure_7(curves: Sequence[Curve]) -> dict[str, bytes]:
    """The figure and its data, by name of file; at most four curves."""
    with matplotlib.rc_context({"svg.hashsalt": "mix2mix", "font.size": 10}):
        figure = draw(curves)
        svg = _saved(figure, format="svg", metadata={"Date": None})
        png = _saved(figure, format="png", dpi=200)
    return {"figure-7.svg": svg, "figure-7.png": png, "figure-7.csv": as_csv(curves).encode()}


def as_csv(curves: Sequence[Curve]) -> str:
    """A row for each f and t: the closed form, and the share of the draws."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["f", "t", "density", "share_of_draws", "draws"])
    for curve in curves:
        total = sum(curve.draws)
        for t, (density, count) in enumerate(zip(curve.density, curve.draws, strict=True), start=curve.tau):
            writer.writerow([curve.f, t, repr(density), repr(count / total), total])
    return buffer.getvalue()


def draw(curves: Sequence[Curve]) -> Figure:
    """A panel for each f: bars of what was drawn, the closed form on them, the other f's in grey behind."""
    figure = Figure(figsize=(2.5 * len(curves), 2.9), layout="constrained")
    panels = figure.subplots(1, len(curves), sharex=True, sharey=True, squeeze=False)[0]
    for panel, curve, style in zip(panels, curves, STYLES, strict=False):
        _draw_panel(panel, curve, style, [other for other in curves if other is not curve])
    panels[0].set_ylim(0, 1.05 * max(max(_histogram(curve)[0]) for curve in curves))
    panels[0].set_ylabel("density per timestep")
    panels[0].legend(frameon=False, fontsize=8, loc="upper left")
    figure.supxlabel(f"teacher timestep t at student timestep τ = {curves[0].tau}", fontsize=10)
    return figure


def _draw_panel(panel: Axes, curve: Curve, style: tuple[str, str], others: Sequence[Curve]) -> None:
    colour, dashes = style
    heights, edges = _histogram(curve)
    panel.stairs(heights, edges, fill=True, color=colour, alpha=0.25, label="drawn")
    for other in others:
        panel.plot(_centres(other), other.density, color="#BBBBBB", linewidth=0.7)
    panel.plot(_centres(curve), curve.density, color=colour, linestyle=dashes, linewidth=1.8, label="closed form")
    panel.set_title(f"f = {curve.f:g}", fontsize=10)
    panel.spines[["top", "right"]].set_visible(False)


def _histogram(curve: Curve) -> tuple[list[float], list[int]]:
    """Heights as densities per timestep, and edges, of bars BIN wide; the last may be narrower."""
    end, total = curve.tau + len(curve.draws), sum(curve.draws)
    edges = [*range(curve.tau, end, BIN), end]
    counts = [sum(curve.draws[low - curve.tau : high - curve.tau]) for low, high in pairwise(edges)]
    heights = [count / (total * (high - low)) for count, (low, high) in zip(counts, pairwise(edges), strict=True)]
    return heights, edges


def _centres(curve: Curve) -> list[float]:
    return [curve.tau + index + 0.5 for index in range(len(curve.density))]


def _saved(figure: Figure, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, **options)
    return buffer.getvalue()
