"""A new study: blinded pictures, attention trials, a plan; both or neither of its files."""

import json
import re
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.store import read_image
from mix2mix.errors import InputError
from survey.assignment import Design
from survey.creation import create_study
from survey.sources import read_source
from survey.study import ImageSet, Study, read_study

METHODS = ("ours", "theirs")


def of_kind(study: Study, kind: str) -> list[ImageSet]:
    return [item for item in study.plan.sets if item.kind == kind]


def pixels(study: Study, item: ImageSet) -> list[Any]:
    return [read_image(study.image(item, view)) for view in range(len(item.images))]


def test_a_study_is_read_back_as_it_was_made(make_study: Any) -> None:
    study = make_study()
    assert read_study(study.path) == study
    assert study.settings.title == "Do they fit?"


def test_nothing_that_a_browser_may_see_tells_a_method(make_study: Any) -> None:
    study = make_study(attention=2)
    names = [path.name for path in (study.data / "images").iterdir()]
    assert all(re.fullmatch(r"[0-9a-f]{32}\.png", name) for name in names)
    for path in (study.data / "images").iterdir():
        with Image.open(path) as image:
            assert image.info == {}
        assert not re.search(rb"ours|theirs|vampire|face", path.read_bytes())


def test_names_of_sets_do_not_follow_the_methods(make_study: Any) -> None:
    order = [item.method for item in of_kind(make_study(), "rating")]
    assert order not in (sorted(order), sorted(order, reverse=True))


def test_every_set_shows_the_pixels_that_the_method_made(make_study: Any, views: Path) -> None:
    study = make_study()
    for item in of_kind(study, "rating"):
        slug = item.edit.lower().replace(" ", "-")
        for view, shown in enumerate(pixels(study, item)):
            made = read_image(views / item.method / "face" / slug / f"view_{view}.png")
            assert np.array_equal(shown, made)


def test_every_set_gets_its_ratings_and_no_two_methods_of_an_edit_meet(make_study: Any) -> None:
    study = make_study(attention=1, repeats=1)
    shown = [[study.plan.by_id[trial.set_id] for trial in place if not trial.repeat] for place in study.plan.places]
    counts = Counter(item.set_id for place in shown for item in place if item.kind == "rating")
    assert set(counts.values()) == {2}
    for place in study.plan.places:
        edits = [study.plan.by_id[trial.set_id].edit for trial in place]
        assert all(former != later for former, later in pairwise(edits))


def test_a_planted_inconsistency_is_on_one_view_of_the_originals(make_study: Any, views: Path) -> None:
    study = make_study(attention=1)
    (item,) = of_kind(study, "planted")
    originals = [read_image(views / "original" / "face" / f"view_{view}.png") for view in range(4)]
    same = [np.array_equal(shown, made) for shown, made in zip(pixels(study, item), originals, strict=True)]
    assert item.planted is not None
    assert [view for view in range(4) if not same[view]] == [item.planted.view]


def test_an_identical_set_shows_one_view_throughout(make_study: Any) -> None:
    study = make_study(attention=2)
    (item,) = of_kind(study, "identical")
    first, *others = pixels(study, item)
    assert all(np.array_equal(first, other) for other in others)
    assert len(set(item.images)) == 4


def test_every_rater_meets_each_attention_trial(make_study: Any) -> None:
    study = make_study(attention=3)
    for place in study.plan.places:
        kinds = [study.plan.by_id[trial.set_id].kind for trial in place]
        assert [kind for kind in kinds if kind != "rating"] == ["planted", "identical", "planted"]


def test_attention_trials_need_the_originals(make_study: Any, views: Path) -> None:
    shutil.rmtree(views / "original")
    with pytest.raises(InputError, match="--attention 0"):
        make_study(attention=1)
    assert make_study(attention=0)


def test_a_study_that_exists_is_never_replaced(make_study: Any) -> None:
    study = make_study()
    before = study.path.read_bytes()
    with pytest.raises(InputError, match="never replaced"):
        make_study(seed=1)
    assert study.path.read_bytes() == before


def test_a_study_that_fails_leaves_nothing(views: Path, tmp_path: Path) -> None:
    (views / "ours" / "face" / "make-it-night" / "view_2.png").write_bytes(b"broken")
    design = Design(METHODS, 1, 3, 0, 0, 0)
    with pytest.raises(InputError, match=r"view_2\.png"):
        create_study(read_source(views, METHODS), design, tmp_path / "new" / "study.toml", "Title", print)
    assert not list((tmp_path / "new").glob("*"))


def test_a_title_that_cannot_be_one_leaves_nothing(views: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="title"):
        create_study(read_source(views, METHODS), Design(METHODS, 1, 3, 0, 0, 0), tmp_path / "new.toml", "a\nb", print)
    assert not list(tmp_path.glob("new*"))


def test_views_of_unlike_sizes_are_scaled_and_that_is_told(views: Path, tmp_path: Path) -> None:
    for path in (views / "ours" / "face" / "make-it-night").iterdir():
        with Image.open(path) as image:
            image.resize((96, 72)).save(path)
    told: list[str] = []
    design = Design(METHODS, 1, 3, 0, 0, 0)
    study = create_study(read_source(views, METHODS), design, tmp_path / "study.toml", "Title", told.append)
    assert {picture.shape for item in study.plan.sets for picture in pixels(study, item)} == {(36, 48, 3)}
    (line,) = told
    assert line.startswith("scaled: face, Make it night: all views to 48 x 36")


def test_the_seed_decides_the_assignment(make_study: Any, views: Path, tmp_path: Path) -> None:
    def steps(seed: int, name: str) -> list[list[tuple[str, str]]]:
        design = Design(METHODS, 2, 3, 0, 0, seed)
        study = create_study(read_source(views, METHODS), design, tmp_path / name, "Title", print)
        by_id = study.plan.by_id
        return [[(by_id[t.set_id].edit, by_id[t.set_id].method) for t in place] for place in study.plan.places]

    assert steps(1, "a.toml") == steps(1, "b.toml") != steps(2, "c.toml")


def test_secrets_are_for_the_owner_alone(make_study: Any) -> None:
    study = make_study()
    for path in (study.data, study.data / "secrets.json"):
        assert path.stat().st_mode & 0o077 == 0
    assert len(json.loads((study.data / "secrets.json").read_text())["form_key"]) == 64
