"""What `mix2mix doctor` finds right, absent and wrong."""

import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save_file

from mix2mix import doctor
from mix2mix.bundles import write_sums
from mix2mix.cli import main
from mix2mix.doctor import OWN_NAMES, Finding

SETTINGS = b'{"image_size": 8, "teacher_size": 8, "student": {}, "preconditioning": {}}'
FILES = (
    "student.safetensors",
    "clip/model.safetensors",
    "teacher/unet/diffusion_pytorch_model.safetensors",
    "teacher/vae/diffusion_pytorch_model.safetensors",
    "teacher/text_encoder/model.safetensors",
)
MINI = ("bundle mini", "mini teacher", "mini student", "mini condition_clip", "mini metric_clip")
PAPER = ("paper teacher", "paper student", "paper condition_clip", "paper metric_clip")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of networks of one weight, with its sums; and a hub's cache that is empty."""
    folder = tmp_path / "weights"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_file({"w": np.zeros(3, np.float16)}, folder / name)
    (folder / "bundle.json").write_bytes(SETTINGS)
    write_sums(folder)
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return folder


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


def test_an_extra_s_requirement_that_is_not_installed_is_absent(
    requirements: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy>=2.0", "gsplat>=1.5.3; extra == 'splats'"])
    assert states(doctor.packages()) == {"numpy": "ok", "gsplat": "absent"}
    requirements["gsplat"] = "1.0"
    assert states(doctor.packages())["gsplat"] == "wrong"


def test_requirements_are_not_checked_where_mix2mix_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert states(doctor.packages()) == {"requirements": "absent"}


def details(subject: str) -> str:
    (found,) = [finding.detail for finding in doctor.weights() if finding.subject == subject]
    return found


def test_weights_whose_sums_match_are_ok_and_those_of_the_hub_absent(weights: Path) -> None:
    assert states(doctor.weights()) == dict.fromkeys((*MINI, "bundle paper"), "ok") | dict.fromkeys(PAPER, "absent")


def test_a_part_is_told_with_its_place_size_precision_and_checksum(weights: Path) -> None:
    told = details("mini student")
    content = (weights / "student.safetensors").read_bytes()
    assert all(part in told for part in (str(weights), "0.0 MB", "float16", sha256(content).hexdigest()[:12]))


def test_an_absent_part_is_told_with_what_it_would_take(weights: Path) -> None:
    told = details("paper student")
    assert "https://huggingface.co/stabilityai/stable-virtual-camera" in told
    assert all(part in told for part in ("5.1 GB", "Non-Commercial", "gated"))
    assert "gated" not in details("paper teacher")


def test_a_part_in_the_hub_s_cache_is_told_with_its_blob(weights: Path, tmp_path: Path) -> None:
    repository = tmp_path / "cache" / "models--stabilityai--stable-virtual-camera"
    for folder in ("blobs", "refs", "snapshots/12"):
        (repository / folder).mkdir(parents=True)
    (repository / "refs" / "main").write_text("12")
    save_file({"w": np.zeros(3, np.float32)}, repository / "blobs" / "feedbeef")
    (repository / "snapshots/12/modelv1.1.safetensors").symlink_to("../../blobs/feedbeef")
    told = details("paper student")
    assert all(part in told for part in ("hub cache", "float32", "feedbeef"))


def test_parts_in_a_folder_of_the_user_s_have_no_known_checksum(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine" / "student"
    mine.mkdir(parents=True)
    save_file({"w": np.zeros(3, np.float16)}, mine / "modelv1.1.safetensors")
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path / "mine"))
    assert all(part in details("paper student") for part in (str(mine), "float16", "no checksum known"))


def test_a_part_that_was_cut_short_is_wrong(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine" / "student"
    mine.mkdir(parents=True)
    (mine / "modelv1.1.safetensors").write_bytes(b"half")
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path / "mine"))
    assert states(doctor.weights())["paper student"] == "wrong"


def test_random_weights_are_told(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIX2MIX_WEIGHTS", "random")
    assert states(doctor.weights()) == {"bundle mini": "ok", "bundle paper": "ok"}
    assert all("random weights" in finding.detail for finding in doctor.weights())


@pytest.mark.parametrize("name", ["bundle.json", "student.safetensors"])
def test_a_changed_file_is_wrong(weights: Path, name: str) -> None:
    (weights / name).write_bytes((weights / name).read_bytes() + b" ")
    assert states(doctor.weights())["bundle mini"] == "wrong"


def test_a_bundle_without_the_weights_that_it_should_carry_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path))
    found = states(doctor.weights())
    assert {found[subject] for subject in MINI[1:]} == {"wrong"}


def test_a_folder_of_weights_that_there_is_not_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIX2MIX_WEIGHTS", str(tmp_path / "nowhere"))
    assert states(doctor.weights()) == {"bundle mini": "wrong", "bundle paper": "wrong"}


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
