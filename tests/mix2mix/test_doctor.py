"""What `mix2mix doctor` finds right, absent and wrong."""

import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import pytest

from mix2mix import doctor
from mix2mix.cli import main
from mix2mix.doctor import OWN_NAMES, Finding

SETTINGS = b'{"image_size": 8, "teacher_size": 8, "student": {}, "preconditioning": {}}'


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of one file, with its sum."""
    (tmp_path / "bundle.json").write_bytes(SETTINGS)
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(SETTINGS).hexdigest()}  bundle.json\n")
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def requirements(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An installation of mix2mix that requires numpy and pillow; versions to be changed by the test."""
    versions = {"numpy": "2.3.1", "pillow": "11.0"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy>=2.0", "pillow>=11.0"])
    monkeypatch.setattr(metadata, "version", version)
    return versions


def states(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.subject: finding.state for finding in findings}


def test_our_names_are_imported_from_here() -> None:
    assert states(doctor.own_names()) == dict.fromkeys(OWN_NAMES, "ok")


def test_a_name_of_ours_that_is_imported_from_elsewhere_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/__init__.py").touch()
    monkeypatch.delitem(sys.modules, "reports", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (finding,) = [finding for finding in doctor.own_names() if finding.state == "wrong"]
    assert finding.subject == "reports"
    assert str(tmp_path / "reports") in finding.detail


def test_a_name_of_ours_that_another_distribution_installed_too_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"benchmark": ["mix2mix", "google-benchmark"]})
    (finding,) = [finding for finding in doctor.own_names() if finding.state == "wrong"]
    assert finding.subject == "benchmark"
    assert "google-benchmark" in finding.detail


def test_a_name_of_ours_that_cannot_be_imported_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OWN_NAMES", ("no_such_package_of_ours",))
    assert states(doctor.own_names()) == {"no_such_package_of_ours": "wrong"}


def test_requirements_that_are_met_are_told_with_their_versions(requirements: dict[str, str]) -> None:
    assert list(doctor.packages()) == [Finding("ok", "numpy", "2.3.1"), Finding("ok", "pillow", "11.0")]


def test_a_package_that_is_too_old_is_wrong(requirements: dict[str, str]) -> None:
    requirements["pillow"] = "10.4"
    assert states(doctor.packages()) == {"numpy": "ok", "pillow": "wrong"}


def test_a_package_that_is_missing_is_wrong(requirements: dict[str, str]) -> None:
    del requirements["numpy"]
    assert states(doctor.packages()) == {"numpy": "wrong", "pillow": "ok"}


def test_requirements_are_not_checked_where_mix2mix_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert states(doctor.packages()) == {"requirements": "absent"}


def test_weights_whose_sums_match_are_ok(weights: Path) -> None:
    assert states(doctor.weights()) == {"bundle mini": "ok"}


def test_a_changed_weight_is_wrong(weights: Path) -> None:
    (weights / "bundle.json").write_bytes(SETTINGS + b" ")
    assert states(doctor.weights()) == {"bundle mini": "wrong"}


def test_a_missing_bundle_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path))
    assert states(doctor.weights()) == {"bundle mini": "wrong"}


@pytest.mark.parametrize(("found", "status"), [("ok", 0), ("absent", 0), ("wrong", 1)])
def test_the_exit_status_is_1_where_something_is_wrong(
    found: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "findings", lambda: [Finding(found, "moon", "round")])
    assert main(["doctor"]) == status
    assert f"{found:8}moon" in capsys.readouterr().out


def test_everything_is_looked_at(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    told = capsys.readouterr().out
    assert all(subject in told for subject in ("python", "benchmark", "cpu", "bundle mini"))
