"""Where results come from."""

import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark import catalogue, environment
from benchmark.environment import checkout, hardware, packages, provenance


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_commit_of_a_checkout_and_whether_it_is_dirty(tmp_path: Path) -> None:
    clean, dirty = tmp_path / "clean", tmp_path / "dirty"
    for folder in (clean, dirty):
        folder.mkdir()
        git(folder, "init", "-q")
        (folder / "file").write_text("a")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "one")
    (dirty / "file").write_text("b")
    assert checkout(clean) == (git(clean, "rev-parse", "HEAD"), False)
    assert checkout(dirty) == (git(dirty, "rev-parse", "HEAD"), True)


def test_an_installed_package_inside_someone_else_s_checkout_has_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    installed = tmp_path / "site-packages"
    installed.mkdir()
    assert checkout(installed) == (None, None)


def test_the_machine_and_the_packages_are_told() -> None:
    assert hardware("cpu").cores >= 1
    assert hardware("cpu").cpu
    assert {"python", "mix2mix", "torch"} <= set(packages())
    assert "not installed" not in packages().values()


def test_an_optional_package_is_told_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(name: str) -> str:
        if name == "pycolmap":
            raise PackageNotFoundError(name)
        return "1.5"

    monkeypatch.setattr(environment, "version", installed)
    told = packages.__wrapped__()
    assert told["gsplat"] == "1.5"
    assert "pycolmap" not in told


def test_provenance_names_bundle_catalogue_and_budget(fakes: SimpleNamespace) -> None:
    told = provenance(fakes.fake_bundle(random_weights=True), "tiny", "cpu")
    assert (told.bundle.name, told.bundle.random_weights) == ("mini", True)
    assert told.catalogue == catalogue.digest()
    assert told.budget == "tiny"
    assert told.created.endswith("+00:00")
