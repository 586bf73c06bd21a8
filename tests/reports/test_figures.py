"""Figure 7: bars of what was drawn under the closed form, as SVG, PNG and CSV."""

import csv
import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import StepPatch
from PIL import Image

from reports.figures import STYLES, Curve, as_csv, draw, figure_7

FLAT = Curve(0.1, 20, (0.02,) * 50, (2,) * 50)
RISING = Curve(2.0, 20, tuple(np.arange(50) / 1225), tuple(range(50)))


def test_every_file_is_made_and_can_be_read() -> None:
    files = figure_7([FLAT, RISING])
    assert files.keys() == {"figure-7.svg", "figure-7.png", "figure-7.csv"}
    assert ET.fromstring(files["figure-7.svg"]).tag.endswith("svg")
    with Image.open(BytesIO(files["figure-7.png"])) as image:
        assert image.width >= 800


def test_the_same_curves_give_the_same_bytes() -> None:
    assert figure_7([FLAT])["figure-7.svg"] == figure_7([FLAT])["figure-7.svg"]


def test_the_data_has_a_row_for_every_timestep_of_every_curve() -> None:
    rows = list(csv.DictReader(as_csv([FLAT, RISING]).splitlines()))
    assert len(rows) == 100
    assert rows[0] == {"f": "0.1", "t": "20", "density": "0.02", "share_of_draws": "0.02", "draws": "100"}
    assert (rows[-1]["f"], rows[-1]["t"]) == ("2.0", "69")
    assert float(rows[-1]["share_of_draws"]) == pytest.approx(49 / 1225)


def test_bars_are_densities_of_the_draws() -> None:
    bars = [patch for panel in draw([FLAT, RISING]).axes for patch in panel.patches if isinstance(patch, StepPatch)]
    flat, rising = (bar.get_data() for bar in bars)
    assert list(flat.edges) == [20, 45, 70]
    assert list(flat.values) == pytest.approx([0.02, 0.02])
    assert list(rising.values) == pytest.approx([sum(range(25)) / 1225 / 25, sum(range(25, 50)) / 1225 / 25])


def test_a_last_bar_that_is_narrower_keeps_its_density() -> None:
    odd = Curve(1.0, 0, (1 / 30,) * 30, (3,) * 30)
    (bar,) = [patch for patch in draw([odd]).axes[0].patches if isinstance(patch, StepPatch)]
    assert list(bar.get_data().edges) == [0, 25, 30]
    assert list(bar.get_data().values) == pytest.approx([1 / 30, 1 / 30])


def test_nothing_is_cut_off() -> None:
    figure = draw([FLAT, RISING])
    assert figure.axes[0].get_ylim()[1] > max(sum(range(25, 50)) / 1225 / 25, 0.02)


def test_each_panel_is_named_and_curves_differ_without_colour() -> None:
    assert [panel.get_title() for panel in draw([FLAT, RISING]).axes] == ["f = 0.1", "f = 2"]
    assert len({dashes for _, dashes in STYLES}) == len(STYLES)


def test_curves_stand_out_from_paper() -> None:
    """At least 3 : 1 on white, as WCAG asks of graphics."""
    for colour, _ in STYLES:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        assert 1.05 / (float(np.dot([0.2126, 0.7152, 0.0722], linear)) + 0.05) > 3
