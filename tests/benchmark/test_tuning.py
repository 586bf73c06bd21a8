"""Settings are chosen on exams: scenes that are not the benchmark's, scored as the benchmark scores."""

import pytest

from baselines.registry import parse_variant
from benchmark.budgets import find_budget
from benchmark.catalogue import edits_of
from benchmark.tuning import main, sit
from mix2mix.bundles import load_bundle
from mix2mix.mini.exam import draw_exams


@pytest.fixture(scope="module")
def exam():
    return next(draw_exams({"bear": [entry.edit for entry in edits_of("bear")][:1]}, 1))


def test_what_leaves_the_scene_alone_has_no_direction_and_the_truth_s_own_consistency(exam, random_bundle_folder):
    bundle = load_bundle("mini", "cpu", random_bundle_folder)
    metrics = sit(exam, parse_variant("unedited"), bundle, find_budget("smoke"), "cpu")
    assert metrics.clip_dir.mean == 0
    assert metrics.reprojection is not None
    assert 0 < metrics.reprojection.relative < 1


def test_a_mistyped_variant_is_told_in_one_line(capsys):
    assert main(["i-mix2mix@kk=1", "--budget", "smoke", "--device", "cpu"]) == 2
    assert "'kk'" in capsys.readouterr().err


def test_the_command_tells_every_exam_and_the_mean(random_bundle_folder, capsys):
    words = ["unedited", "--budget", "smoke", "--every", "10", "--weights", str(random_bundle_folder)]
    assert main([*words, "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    values = [float(line.rpartition(": ")[2].split()[0]) for line in lines]
    assert values[2] == pytest.approx((values[0] + values[1]) / 2, abs=1e-3)
    assert lines[2].startswith("unedited  mean of 2: ")
