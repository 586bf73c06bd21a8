"""Samples: which values a run has, and which way is better."""

import subprocess
import sys

from benchmark.results import CellResult
from benchmark.samples import Place, direction, place_of, values_by_method
from benchmark.tables import COLUMNS

BY_KEY = {column.key: column for column in COLUMNS}
HERE = Place("face", "give-him-a-venetian-mask", 0)


def test_a_cell_s_place_is_its_scene_edit_and_seed(example: CellResult) -> None:
    assert place_of(example.identity) == HERE


def test_values_are_those_of_ok_cells_by_method_and_place(example: CellResult) -> None:
    again = example.model_copy(update={"identity": example.identity.model_copy(update={"seed": 3})})
    failed = example.model_copy(
        update={"status": "failed", "identity": example.identity.model_copy(update={"seed": 4})}
    )
    found = values_by_method([example, again, failed], BY_KEY["relative_error"])
    assert found == {"inverter": {HERE: 0.2, HERE._replace(seed=3): 0.2}}


def test_a_method_without_a_value_is_left_out(example: CellResult) -> None:
    assert example.metrics is not None
    flat = example.model_copy(update={"metrics": example.metrics.model_copy(update={"background": None})})
    assert values_by_method([flat], BY_KEY["background"]) == {}


def test_clip_scores_are_better_high_and_errors_and_times_low() -> None:
    assert {key for key, column in BY_KEY.items() if direction(column) == 1} == {
        "clip_cons",
        "clip_sim",
        "clip_dir",
        "clip_cons_consecutive",
    }
    assert direction(BY_KEY["relative_error"]) == direction(BY_KEY["seconds"]) == -1


def test_comparing_needs_no_torch() -> None:
    code = "import sys, benchmark.analysis, benchmark.compare, benchmark.references; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
