"""The views of a study: found in runs and plain folders, compared only where all methods have them."""

import shutil
from pathlib import Path

import pytest

from mix2mix.errors import InputError
from survey import sources
from survey.sources import read_source

BOTH = ("ours", "theirs")


def test_a_plain_folder_gives_the_views_in_order(views: Path) -> None:
    source = read_source(views, BOTH)
    first = source.sets[0]
    assert [path.name for path in first.files] == [f"view_{index}.png" for index in range(4)]
    assert {(item.method, item.scene) for item in source.sets} == {("ours", "face"), ("theirs", "face")}
    assert len(source.sets) == 6
    assert len(source.originals["face"]) == 4
    assert source.left_out == ()


def test_an_instruction_is_the_catalogue_s_or_the_slug_as_a_sentence(views: Path) -> None:
    assert {item.edit for item in read_source(views, BOTH).sets} == {
        "Turn him into a vampire",
        "Turn him blue",
        "Make it night",
    }


def test_views_are_in_the_order_of_their_numbers(views: Path) -> None:
    folder = views / "ours" / "face" / "turn-him-blue"
    for index in range(4, 11):
        shutil.copy(folder / "view_0.png", folder / f"view_{index}.png")
    found = read_source(views, ("ours",)).sets
    (longest,) = (item.files for item in found if len(item.files) > 4)
    assert [path.name for path in longest][-2:] == ["view_9.png", "view_10.png"]


def test_an_edit_that_a_method_lacks_is_left_out_and_told(views: Path) -> None:
    shutil.rmtree(views / "theirs" / "face" / "make-it-night")
    source = read_source(views, BOTH)
    assert len(source.sets) == 4
    assert source.left_out == ("face, Make it night: not by theirs",)


def test_a_run_gives_its_cells_and_originals(views: Path, run_folder: Path) -> None:
    source = read_source(run_folder, ("i-mix2mix", "t2vz"))
    assert [(item.method, item.scene, item.edit) for item in source.sets] == [
        ("i-mix2mix", "face", "Turn him into a vampire"),
        ("t2vz", "face", "Turn him into a vampire"),
    ]
    assert [path.name for path in source.sets[0].files] == ["view_0.png", "view_1.png"]
    assert len(source.originals["face"]) == 2


def test_a_run_has_seeds_to_choose_from(run_folder: Path) -> None:
    assert read_source(run_folder, ("t2vz",), seed=0).sets
    with pytest.raises(InputError, match="seed: got 3; expected a seed with finished cells"):
        read_source(run_folder, ("t2vz",), seed=3)


def test_the_authors_own_images_can_be_read(shared: Path) -> None:
    source = read_source(shared / "data" / "published-outputs", ("i-mix2mix", "dge"))
    assert len(source.sets) == 12
    assert ("person", "Turn the man into a robot") in {item.key for item in source.sets}


@pytest.mark.parametrize(
    ("methods", "what"),
    [
        (("ours", "mine"), "got mine; expected some of ours, theirs"),
        (("ours", "ours"), "each method once"),
        ((), "none"),
    ],
)
def test_methods_that_are_not_there_are_bad_input(views: Path, methods: tuple[str, ...], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_source(views, methods)


def test_a_folder_of_something_else_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="METHOD/SCENE/EDIT"):
        read_source(tmp_path / "nowhere", BOTH)


def test_a_plain_folder_has_no_seeds(views: Path) -> None:
    with pytest.raises(InputError, match="no seeds"):
        read_source(views, BOTH, seed=1)


def test_more_views_than_a_rater_can_be_shown_are_bad_input(views: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_VIEWS", 3)
    with pytest.raises(InputError, match="got 4; expected at most 3"):
        read_source(views, BOTH)


@pytest.mark.parametrize("name", ["view_5.png", "view_3.jpg"])
def test_gaps_and_doubles_among_views_are_bad_input(views: Path, name: str) -> None:
    folder = views / "ours" / "face" / "turn-him-blue"
    shutil.copy(folder / "view_0.png", folder / name)
    with pytest.raises(InputError, match="without gaps or doubles"):
        read_source(views, BOTH)


def test_methods_with_unlike_numbers_of_views_are_bad_input(views: Path) -> None:
    (views / "ours" / "face" / "turn-him-blue" / "view_3.png").unlink()
    with pytest.raises(InputError, match="as many by every method"):
        read_source(views, BOTH)


def test_methods_without_a_common_edit_are_bad_input(views: Path) -> None:
    shutil.rmtree(views / "ours" / "face")
    (views / "theirs" / "face").rename(views / "theirs" / "bear")
    shutil.copytree(views / "theirs" / "bear" / "make-it-night", views / "ours" / "person" / "make-it-night")
    with pytest.raises(InputError, match="none that all methods have"):
        read_source(views, BOTH)
