"""Which scene a command means."""

from pathlib import Path

import pytest
import torch

from mix2mix.commands.scenes import BuiltInScene, MiniatureWorld, PhotoScene, choose_scene
from mix2mix.errors import InputError
from mix2mix.mini.world import held_out_scene, truth


def test_a_built_in_scene_has_four_views_unless_told_otherwise() -> None:
    assert choose_scene("bear", None) == BuiltInScene("bear", (0, 1, 2, 3))


def test_frames_choose_views_of_a_built_in_scene_in_their_order() -> None:
    scene, whole = BuiltInScene("face", (2, 0)).load(128), held_out_scene("face", 4)
    assert scene.frames == (whole.frames[2], whole.frames[0])
    assert torch.equal(scene.images, whole.images[[2, 0]])
    assert torch.equal(scene.cameras.c2w, whole.cameras.c2w[[2, 0]])


@pytest.mark.parametrize(("frames", "known"), [((0, 1, 2), True), ((0, 2), False), ((1, 0), False)])
def test_the_truth_is_known_of_the_first_views_only(frames: tuple[int, ...], known: bool) -> None:
    assert BuiltInScene("face", frames).has_truth is known


@pytest.mark.parametrize("frames", [(0,), (0, 0), (0, 8)])
def test_frames_that_a_built_in_scene_has_not_are_bad_input(frames: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="Change --frames"):
        choose_scene("face", frames)


def test_a_built_in_scene_is_drawn_at_the_size_that_is_asked_for() -> None:
    assert BuiltInScene("face", (0, 1)).load(24).images.shape == (2, 3, 24, 24)


def test_a_folder_is_a_scene_of_photos_without_truth(tmp_path: Path) -> None:
    scene = choose_scene(str(tmp_path), (0, 5))
    assert scene == PhotoScene(tmp_path, (0, 5))
    assert (scene.name, scene.has_truth) == (tmp_path.name, False)


def test_a_file_of_cameras_gives_the_name_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "transforms.json").touch()
    assert choose_scene(str(tmp_path / "transforms.json"), None).name == tmp_path.name


def test_a_folder_with_the_name_of_a_built_in_scene_is_reached_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "face").mkdir()
    monkeypatch.chdir(tmp_path)
    assert isinstance(choose_scene("face", None), BuiltInScene)
    assert isinstance(choose_scene("./face", None), PhotoScene)


def test_an_unknown_scene_is_bad_input_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="Did you mean 'person'"):
        choose_scene("persn", None)


def test_the_benchmark_takes_its_scenes_and_their_truth_from_the_miniature_world() -> None:
    world = MiniatureWorld(24)
    assert torch.equal(world.scene("face", 2).images, held_out_scene("face", 2, 24).images)
    found, expected = world.truth("face", None, 2), truth("face", None, 2, 24)
    assert torch.equal(found.depth, expected.depth)
    assert torch.equal(found.subject, expected.subject)
