"""The evaluation of the mini bundle's networks: its measures by hand, and the command as a whole."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmark import evaluation
from benchmark.catalogue import edits_of
from benchmark.evaluation import BARS, Bar, Marks, main, per_edit, psnr, summarise
from mix2mix.mini import exam as exam_module
from mix2mix.mini.exam import draw_exams

VAMPIRE, BATMAN = (entry.edit for entry in edits_of("face")[1:4:2])


@pytest.fixture(scope="module")
def exam():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exam_module, "IMAGE_SIZE", 48)
        return next(draw_exams({"face": [VAMPIRE]}, individuals=1, views=3))


def marks_of(exam, **values) -> Marks:
    names = ("vae_psnr_db", "vae_reprojection", "clip_right", "teacher_right", "teacher_difference", "student_psnr_db",
             "copy_psnr_db", "student_reprojection")  # fmt: skip
    return Marks(exam, {**dict.fromkeys(names, 0.0), **values})


def test_psnr_is_ten_times_the_logarithm_of_one_over_the_squared_error():
    a = torch.zeros(2, 3, 4, 4)
    assert psnr(a, a + 0.1) == pytest.approx(20)
    b = a.clone()
    b[0] += 0.1
    b[1] += 0.01
    assert psnr(a, b) == pytest.approx(30)


def test_clip_is_right_where_the_exam_s_own_prompt_is_nearest(exam):
    """Image i points along axis i, and so does the prompt of the family's i-th edit."""
    prompts = [entry.edit.edited_prompt for entry in edits_of("face")]
    own = prompts.index(VAMPIRE.edited_prompt)
    clip = SimpleNamespace(
        text_features=lambda texts: torch.eye(len(prompts))[[prompts.index(text) for text in texts]],
        image_features=lambda images: torch.eye(len(prompts))[[own, own, own + 1, own]],
    )
    assert evaluation._share_right(torch.zeros(4), exam, SimpleNamespace(metric_clip=clip)) == 0.75


def test_views_in_the_wrong_order_have_several_times_the_error_of_true_ones(exam):
    state = exam.edited
    assert 3 * evaluation._error(state.images, exam, state) < evaluation._error(state.images[[1, 2, 0]], exam, state)


def test_the_measures_are_means_and_differences_over_the_exams(exam):
    marks = [
        marks_of(exam, vae_psnr_db=30.0, vae_reprojection=0.01, student_psnr_db=22.0, copy_psnr_db=18.0,
                 student_reprojection=0.03, teacher_difference=0.08),
        marks_of(exam, vae_psnr_db=34.0, vae_reprojection=0.03, student_psnr_db=24.0, copy_psnr_db=20.0,
                 student_reprojection=0.05, teacher_difference=0.04, clip_right=1.0),
    ]  # fmt: skip
    scores = summarise(marks)
    assert scores["vae_psnr_db"] == 32
    assert scores["clip_accuracy"] == 0.5
    assert scores["student_gain_over_copy_db"] == pytest.approx(4)
    assert scores["student_reprojection_over_vae"] == pytest.approx(0.02)


def test_an_edit_varies_when_its_exams_do_so_on_average(exam):
    other = replace(exam, edit=BATMAN)
    marks = [marks_of(exam, teacher_difference=0.08), marks_of(exam, teacher_difference=0.04),
             marks_of(other, teacher_difference=0.049)]  # fmt: skip
    assert summarise(marks)["teacher_edits_that_vary"] == 1
    assert [row["edit"] for row in per_edit(marks)] == [VAMPIRE.instruction, BATMAN.instruction]
    assert per_edit(marks)[0]["teacher_difference"] == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("bar", "value", "met"),
    [(Bar("x", "", least=2), 2, True), (Bar("x", "", least=2), 1.9, False),
     (Bar("x", "", most=0.02), 0.02, True), (Bar("x", "", most=0.02), 0.03, False)],
)  # fmt: skip
def test_a_bar_is_met_from_its_value_on(bar, value, met):
    assert bar.met({"x": value}) == met


def test_the_command_measures_writes_the_card_and_says_which_bars_are_missed(
    exam, random_bundle_folder, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "bundle"
    folder.mkdir()
    for path in random_bundle_folder.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "MODEL_CARD.md").write_text("# A card\n\n## Scores\n\nold\n")
    monkeypatch.setattr(exam_module, "IMAGE_SIZE", 128)
    monkeypatch.setattr(evaluation, "TEACHER_STEPS", 2)
    monkeypatch.setattr(evaluation, "STUDENT_STEPS", 2)
    monkeypatch.setattr(evaluation.catalogue, "scenes", lambda: ("face",))
    monkeypatch.setattr(evaluation, "draw_exams", lambda edits, count: list(draw_exams({"face": [VAMPIRE]}, 1)))
    assert main(["--weights", str(folder), "--device", "cpu", "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "MISSED  VAE, there and back" in said
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert {bar.measure for bar in BARS} <= document["scores"].keys()
    card = (folder / "MODEL_CARD.md").read_text()
    assert card.startswith("# A card\n\n## Scores\n\nOn 1 new scenes")
    assert "old" not in card
    assert f"{document['scores']['vae_psnr_db']:.3g} | at least 30 |" in card
