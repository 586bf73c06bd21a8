"""STUDY.toml and its folder: what may be edited is checked field by field."""

import re
from typing import Any

import pytest

from mix2mix.errors import InputError
from survey.study import read_study


def test_texts_and_settings_may_be_edited(make_study: Any) -> None:
    path = make_study().path
    text = path.read_text()
    path.write_text(text.replace('code = ""', 'code = "C1ABC"').replace('contact = ""', 'contact = "lab@uni.example"'))
    settings = read_study(path).settings
    assert (settings.completion.code, settings.contact) == ("C1ABC", "lab@uni.example")


def test_the_data_may_be_moved_along_with_it(make_study: Any, tmp_path: Any) -> None:
    study = make_study()
    (tmp_path / "elsewhere").mkdir()
    study.path.rename(tmp_path / "elsewhere" / "study.toml")
    study.data.rename(tmp_path / "elsewhere" / "study.data")
    assert read_study(tmp_path / "elsewhere" / "study.toml").plan == study.plan


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('code = ""', "code = 7", "completion.code"),
        ('code = ""', 'code = "a b"', "completion.code"),
        ('return_url = ""', 'return_url = "http://insecure.example"', "completion.return_url"),
        ('return_url = ""', 'return_url = "javascript:alert(1)"', "completion.return_url"),
        ("id_required = false", "id_requierd = true", "id_requierd"),
        ("idle_minutes = 120", "idle_minutes = 0", "idle_minutes"),
        ('data = "study.data"', 'data = "../study.data"', "data"),
        ('title = "', 'title = "\\n', "title"),
        ("title = ", "title ", "a TOML file"),
    ],
)
def test_a_wrong_entry_is_named(make_study: Any, old: str, new: str, what: str) -> None:
    path = make_study().path
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(what)):
        read_study(path)


def test_a_missing_study_is_bad_input(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="mix2mix survey create"):
        read_study(tmp_path / "study.toml")


def test_a_missing_folder_is_bad_input(make_study: Any) -> None:
    study = make_study()
    study.data.rename(study.data.with_name("lost"))
    with pytest.raises(InputError, match="Keep the data folder"):
        read_study(study.path)


def test_a_title_keeps_its_quotes(views: Any, tmp_path: Any) -> None:
    from survey.assignment import Design
    from survey.creation import create_study
    from survey.sources import read_source

    title = 'Do "these" fit? \\ Passen sie – ja 🙂?'
    source = read_source(views, ("ours", "theirs"))
    made = create_study(source, Design(("ours", "theirs"), 1, 3, 0, 0, 0), tmp_path / "quoted.toml", title, print)
    assert made.settings.title == title
