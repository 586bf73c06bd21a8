"""Descriptions of external methods: found in a folder, read strictly, and told when they are wrong."""

from pathlib import Path

import pytest

from baselines.external_spec import external_methods
from mix2mix.errors import InputError

TOML = 'title = "Theirs"\ndescription = "their code"\ncommand = ["run", "{folder}"]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the variable names."""
    monkeypatch.setenv("MIX2MIX_METHODS", str(tmp_path))
    return tmp_path


def test_without_the_variable_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIX2MIX_METHODS", raising=False)
    assert external_methods(()) == {}


def test_the_file_s_name_is_the_id_and_the_rest_is_told(folder: Path) -> None:
    extra = 'paper = "arXiv 2511.14899"\nyear = 2025\ntimeout_minutes = 1.5\n'
    (folder / "theirs.toml").write_text(TOML + extra)
    (method,) = external_methods(()).values()
    assert (method.spec.id, method.spec.title, method.spec.description) == ("theirs", "Theirs", "their code")
    assert (method.spec.paper, method.spec.year) == ("arXiv 2511.14899", 2025)
    assert (method.command, method.timeout, method.home) == (("run", "{folder}"), 90, folder.resolve())


def test_an_hour_is_allowed_unless_told(folder: Path) -> None:
    (folder / "theirs.toml").write_text(TOML)
    assert external_methods(())["theirs"].timeout == 3600


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "Invalid value"),
        (TOML.replace('command = ["run", "{folder}"]', ""), "command: Field required"),
        (TOML.replace('["run", "{folder}"]', "[]"), "command: List should have at least 1 item"),
        (TOML + "timeout = 5\n", "timeout: Extra inputs are not permitted"),
        (TOML + "timeout_minutes = 0\n", "timeout_minutes: Input should be greater than 0"),
        (TOML + "timeout_minutes = inf\n", "timeout_minutes: Input should be a finite number"),
    ],
)
def test_a_wrong_description_is_told_with_its_fields(folder: Path, text: str, told: str) -> None:
    (folder / "theirs.toml").write_text(text)
    with pytest.raises(InputError, match=rf"theirs\.toml: got {told}.*title, description, command"):
        external_methods(())


@pytest.mark.parametrize("name", ["Theirs", "a b", "a@b", "t2vz"])
def test_an_id_that_is_taken_or_no_folder_s_name_is_refused(folder: Path, name: str) -> None:
    (folder / f"{name}.toml").write_text(TOML)
    with pytest.raises(InputError, match=f"got '{name}'.*Rename the file"):
        external_methods({"t2vz"})


def test_a_folder_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIX2MIX_METHODS", "no/such/folder")
    with pytest.raises(InputError, match="MIX2MIX_METHODS: got 'no/such/folder'; expected a folder of TOML files"):
        external_methods(())
