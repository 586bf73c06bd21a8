"""The command line, in-process: what it prints and writes, and how it ends."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.api import EditRequest, EditResult
from baselines.registry import SPECS
from benchmark.cells import BundleFacts
from mix2mix import __version__, bundles
from mix2mix.bundles import Bundle, BundleSettings
from mix2mix.cli import main
from mix2mix.parts import OWN_PARTS

COMMANDS = ["edit", "benchmark", "benchmark run", "benchmark score", "benchmark compare", "benchmark check",
            "benchmark tables", "benchmark import", "benchmark speed", "survey", "survey create", "survey serve",
            "survey export", "survey analyze", "survey counts", "survey power", "survey simulate", "report", "list",
            "doctor"]  # fmt: skip
VAMPIRE = ("--instruction", "Turn him into a vampire")
WEIGHTS = [f"{part['folder']}/{file}" for part in OWN_PARTS.values() for file in part["files"]]
"""Files of a bundle that carries its own."""


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in, without a GPU and without methods of others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIX2MIX_METHODS", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    return tmp_path


@pytest.fixture
def hollow_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the mini bundle, one without networks: enough for methods that need none."""
    settings = BundleSettings(image_size=16, teacher_size=16, student={}, preconditioning={}, random_weights=True)
    nothing: Any = None
    bundle = Bundle("mini", nothing, nothing, nothing, nothing, nothing, settings, digest="0" * 64)
    facts = BundleFacts("mini", bundle.digest, settings)
    monkeypatch.setattr("benchmark.options.bundle_facts", lambda name, weights=None: facts)
    monkeypatch.setattr("mix2mix.bundles.load_bundle", lambda name, device, weights=None: bundle)


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a bundle is a mistake."""
    monkeypatch.setattr(
        "mix2mix.bundles.load_bundle", lambda name, device, weights=None: pytest.fail("a bundle was loaded")
    )


@pytest.fixture
def photos(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder of so many photos with cameras."""

    def make(count: int) -> Path:
        folder = tmp_path / "garden"
        folder.mkdir()
        frames = []
        for index in range(count):
            pixels = np.random.default_rng(index).integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
            pose = np.eye(4)
            pose[:3, 3] = [index, index % 3, 4]
            frames.append({"file_path": f"{index}.png", "transform_matrix": pose.tolist()})
        (folder / "transforms.json").write_text(json.dumps({"fl_x": 20.0, "fl_y": 20.0, "frames": frames}))
        return folder

    return make


def use_method(monkeypatch: pytest.MonkeyPatch, edit: Callable[[EditRequest], EditResult]) -> None:
    """Let every method be this one."""
    method = type("Fake", (), {"edit": staticmethod(edit)})
    monkeypatch.setattr(import_module("baselines.registry"), "load_method", lambda name: method)


def read_pixels(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(path) as image:
        return np.asarray(image)


class TestHelp:
    def test_the_version_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="0"):
            main(["--version"])
        assert capsys.readouterr().out == f"mix2mix {__version__}\n"

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_itself_with_an_example(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="0"):
            main([*command.split(), "--help"])
        assert f"example:\n  mix2mix {command}" in capsys.readouterr().out

    def test_without_a_command_the_help_is_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == 2
        shown = capsys.readouterr().err
        assert all(command.split()[0] in shown for command in COMMANDS)

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (["lst"], "Did you mean 'list'?"),
            (["benchmark", "rnu"], "Did you mean 'run'?"),
            (["list", "method"], "Did you mean 'methods'?"),
            (["edit", "face"], "--instruction"),
            (["edit", "face", *VAMPIRE, "--seed", "-1"], "expected a whole number from 0 up"),
        ],
    )
    def test_a_mistyped_command_line_gets_one_line_and_exit_2(
        self, words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            main(words)
        (line,) = capsys.readouterr().err.splitlines()
        assert complaint in line
        assert "--help" in line


class TestList:
    @pytest.mark.parametrize(
        ("kind", "count", "keys"),
        [
            (
                "methods",
                len(SPECS),
                {"id", "paper", "year", "published", "needs", "cost", "parameters", "description", "origin"},
            ),
            ("scenes", 3, {"name", "edits", "prompt", "origin"}),
            ("edits", 20, {"scene", "instruction", "slug", "edited_prompt", "text_guidance", "image_guidance"}),
            ("bundles", 2, {"name", "weights", "folder", "title"}),
        ],
    )
    def test_json_has_every_field(
        self, kind: str, count: int, keys: set[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["list", kind, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert len(rows) == count
        assert all(row.keys() == keys for row in rows)

    def test_a_table_has_a_row_for_each_under_aligned_headings(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["list", "edits"]) == 0
        heading, *rows = capsys.readouterr().out.splitlines()
        column = heading.index("instruction")
        assert len(rows) == 20
        assert rows[1][column:].startswith("Turn him into a vampire ")

    @pytest.mark.parametrize(("made", "told"), [([], "missing"), (["SHA256SUMS", "bundle.json", *WEIGHTS], "here")])
    def test_bundles_tell_whether_their_weights_are_here(
        self,
        made: list[str],
        told: str,
        somewhere: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name in made:
            (somewhere / name).parent.mkdir(parents=True, exist_ok=True)
            (somewhere / name).write_text('{"image_size": 8, "teacher_size": 8, "student": {}, "preconditioning": {}}')
        monkeypatch.setenv("MIX2MIX_WEIGHTS", str(somewhere))
        main(["list", "bundles", "--json"])
        assert json.loads(capsys.readouterr().out)[0]["weights"] == told


@pytest.mark.usefixtures("hollow_bundle")
class TestEdit:
    def test_views_grid_and_facts_are_written(self, somewhere: Path) -> None:
        assert main(["edit", "face", *VAMPIRE, "--method", "unedited", "--frames", "0,1"]) == 0
        folder = somewhere / "outputs/unedited/face/turn-him-into-a-vampire"
        assert {path.name for path in folder.iterdir()} == {"view_0.png", "view_1.png", "grid.png", "edit.json"}
        originals = np.concatenate([read_pixels(folder / f"view_{index}.png") for index in range(2)], axis=1)
        assert np.array_equal(read_pixels(folder / "grid.png"), np.concatenate([originals, originals]))

    def test_low_memory_is_a_setting_of_the_method(self, somewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        use_method(monkeypatch, lambda request: EditResult(1 - request.scene.images))
        assert main(["edit", "face", *VAMPIRE, "--frames", "0,1", "--memory", "low", "--output", "out"]) == 0
        assert json.loads((somewhere / "out/edit.json").read_text())["settings"]["memory"] == "low"

    def test_originals_stand_above_edits(self, somewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        use_method(monkeypatch, lambda request: EditResult(1 - request.scene.images))
        assert main(["edit", "face", *VAMPIRE, "--frames", "0,1", "--output", "out"]) == 0
        above, below = np.split(read_pixels(somewhere / "out/grid.png").astype(int), 2)
        assert np.abs(above + below - 255).max() <= 1
        assert np.array_equal(below[:, :16], read_pixels(somewhere / "out/view_0.png"))

    @pytest.mark.parametrize(
        ("words", "guidance"),
        [
            (["--instruction", "turn him into tolkien elf"], (9.0, 1.5)),
            (["--instruction", "Make him green"], (7.5, 1.5)),
            (["--instruction", "Turn him into Tolkien Elf", "--text-guidance", "4"], (4.0, 1.5)),
            (["--instruction", "Make him green", "--image-guidance", "2"], (7.5, 2.0)),
        ],
    )
    def test_guidance_is_the_tables_unless_given(
        self,
        words: list[str],
        guidance: tuple[float, float],
        somewhere: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert main(["edit", "face", *words, "--method", "unedited", "--frames", "0,1", "--output", "out"]) == 0
        edit = json.loads((somewhere / "out/edit.json").read_text())["edit"]
        assert (edit["text_guidance"], edit["image_guidance"]) == guidance
        assert "guidance {:g} (text) and {:g} (image)".format(*guidance) in capsys.readouterr().out

    def test_an_instruction_of_the_users_own_is_its_own_prompt(self, somewhere: Path) -> None:
        words = ["--instruction", " Make him green ", "--method", "unedited", "--frames", "0,1", "--output", "out"]
        assert main(["edit", "face", *words]) == 0
        edit = json.loads((somewhere / "out/edit.json").read_text())["edit"]
        assert (edit["instruction"], edit["original_prompt"], edit["edited_prompt"]) == (
            "Make him green",
            "a photo",
            "Make him green",
        )

    def test_settings_come_from_the_budget_and_from_the_method(
        self, somewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[EditRequest] = []

        def edit(request: EditRequest) -> EditResult:
            asked.append(request)
            return EditResult(request.scene.images)

        use_method(monkeypatch, edit)
        words = ["--method", "i-mix2mix@k=3+f=0.1", "--budget", "smoke", "--seed", "7", "--frames", "0,1"]
        assert main(["edit", "face", *VAMPIRE, *words]) == 0
        (request,) = asked
        assert request.settings["k"] == 3
        assert request.settings["f"] == 0.1
        assert request.settings["first_updates"] == 2
        assert "steps" not in request.settings
        assert request.seed == 7
        assert (somewhere / "outputs/i-mix2mix@k=3+f=0.1/face/turn-him-into-a-vampire/edit.json").is_file()

    def test_photos_are_edited_with_a_word_of_warning(
        self, photos: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = photos(3)
        assert main(["edit", str(folder), *VAMPIRE, "--method", "unedited", "--output", "out"]) == 0
        assert read_pixels(Path("out/grid.png")).shape == (32, 48, 3)
        assert "miniature world only" in capsys.readouterr().out

    def test_a_dense_capture_is_refused_until_frames_are_chosen(
        self, photos: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = photos(9)
        words = ["edit", str(folder), *VAMPIRE, "--method", "unedited", "--output", "out"]
        assert main(words) == 2
        assert "got all 9; expected a sparse set of 2 to 8. Choose with --frames" in capsys.readouterr().err
        assert main([*words, "--frames", "8,0"]) == 0

    @pytest.mark.parametrize(
        ("views", "reason"),
        [
            (lambda request: EditResult(request.scene.images * float("nan")), "NaN"),
            (lambda request: EditResult(request.scene.images[:1]), "shape"),
            (lambda request: fail(), "RuntimeError: out of luck"),
        ],
    )
    def test_work_that_fails_is_told_in_one_line_and_writes_nothing(
        self,
        views: Callable[[EditRequest], EditResult],
        reason: str,
        somewhere: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        use_method(monkeypatch, views)
        assert main(["edit", "face", *VAMPIRE, "--frames", "0,1", "--output", "out"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line
        assert list(somewhere.iterdir()) == []

    def test_a_blank_view_of_trained_networks_is_told(
        self, somewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        untrained = bundles.load_bundle("mini", "cpu")
        trained = replace(untrained, settings=replace(untrained.settings, random_weights=False))
        monkeypatch.setattr("mix2mix.bundles.load_bundle", lambda name, device, weights=None: trained)
        use_method(monkeypatch, lambda request: EditResult(request.scene.images * 0))
        assert main(["edit", "face", *VAMPIRE, "--frames", "0,1", "--output", "out"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "blank" in line
        assert list(somewhere.iterdir()) == []

    def test_ctrl_c_is_told_and_writes_nothing(
        self, somewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupt(request: EditRequest) -> NoReturn:
            raise KeyboardInterrupt

        use_method(monkeypatch, interrupt)
        assert main(["edit", "face", *VAMPIRE, "--frames", "0,1", "--output", "out"]) == 130
        assert capsys.readouterr().err == "mix2mix: interrupted\n"
        assert list(somewhere.iterdir()) == []

    def test_a_bug_shows_where_it_is_when_asked_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use_method(monkeypatch, lambda request: fail())
        monkeypatch.setenv("MIX2MIX_TRACEBACK", "1")
        with pytest.raises(RuntimeError, match="out of luck"):
            main(["edit", "face", *VAMPIRE, "--frames", "0,1"])


def fail() -> NoReturn:
    raise RuntimeError("out of luck")


@pytest.mark.usefixtures("no_bundle")
class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["edit", "fce", *VAMPIRE], "Did you mean 'face'?"),
            (["edit", "face", "--instruction", " "], "--instruction: got nothing"),
            (["edit", "face", *VAMPIRE, "--method", "i-mix2mx"], "Did you mean 'i-mix2mix'?"),
            (["edit", "face", *VAMPIRE, "--method", "t2vz@k=3"], "setting of t2vz: got 'k'"),
            (["edit", "face", *VAMPIRE, "--bundle", "huge"], "bundle: got 'huge'; expected one of mini"),
            (["edit", "face", *VAMPIRE, "--budget", "lavish"], "budget: got 'lavish'"),
            (["edit", "face", *VAMPIRE, "--device", "cuda"], "device: got 'cuda'; expected one of cpu"),
            (["edit", "face", *VAMPIRE, "--frames", "0,9"], "frames of built-in scene face: got 0,9"),
            (["edit", "face", *VAMPIRE, "--method", "oracle", "--frames", "1,2"], "from its first view on"),
            (["edit", ".", *VAMPIRE, "--method", "oracle"], "expected a built-in scene"),
            (["edit", "face", *VAMPIRE, "--output", "."], "something else there already"),
            (["edit", "face", *VAMPIRE, "--output", "file/out"], "Choose another --output"),
            (["benchmark", "run", "--budget", "lavish"], "budget: got 'lavish'"),
            (["benchmark", "run", "--bundle", "huge"], "bundle: got 'huge'"),
            (["benchmark", "run", "--methods", "unedited,magic"], "method: got 'magic'"),
            (["benchmark", "run", "--edits", "Turn him into a vampir"], "Did you mean 'Turn him into a vampire'"),
            (["benchmark", "run", "--device", "cuda"], "device: got 'cuda'"),
            (["benchmark", "run", "--output", "file/run"], "writing file/run: got Not a directory"),
            (["benchmark", "score", "nowhere"], "run nowhere"),
        ],
    )
    def test_it_gets_one_message_and_exit_2_before_a_model_is_loaded(
        self, words: list[str], told: str, somewhere: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (somewhere / "file").touch()
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("mix2mix: ")
        assert told in line
        assert "; expected " in line
        assert [path.name for path in somewhere.iterdir()] == ["file"]


@pytest.mark.usefixtures("hollow_bundle")
class TestBenchmark:
    WORDS = ("benchmark", "run", "--budget", "smoke", "--methods", "unedited", "--output", "run")

    def test_a_run_ends_with_its_table(self, somewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(list(self.WORDS)) == 0
        told = capsys.readouterr().out
        assert "unedited" in told
        assert "cells: 1; `mix2mix report run`" in told
        assert (somewhere / "run/table.csv").is_file()
        assert json.loads((somewhere / "run/run.json").read_text())["command"] == "mix2mix " + " ".join(self.WORDS)

    def test_repeated_it_keeps_what_is_finished(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(list(self.WORDS))
        assert main(list(self.WORDS)) == 0
        assert "all finished earlier and unchanged: nothing was to do" in capsys.readouterr().out

    def test_a_run_has_as_many_views_as_are_asked_for_in_a_folder_of_its_own(self, somewhere: Path) -> None:
        assert main([*self.WORDS[:-2], "--views", "2"]) == 0
        (folder,) = (somewhere / "runs/mini-smoke-2-views/cells").glob("*/*/*/*")
        assert sorted(path.name for path in folder.glob("view_*")) == ["view_0.png", "view_1.png"]

    def test_scenes_are_drawn_at_the_size_that_the_bundle_works_on(self, somewhere: Path) -> None:
        assert main(list(self.WORDS)) == 0
        assert {read_pixels(view).shape for view in (somewhere / "run").rglob("view_*.png")} == {(16, 16, 3)}

    def test_a_number_of_views_that_no_scene_has_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*self.WORDS, "--views", "9"]) == 2
        assert "got 9; expected 2 to 8" in capsys.readouterr().err

    def test_a_failed_cell_is_told_and_makes_the_exit_status_1(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        use_method(monkeypatch, lambda request: fail())
        assert main(list(self.WORDS)) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last == "failed: unedited face give-him-a-venetian-mask: RuntimeError: out of luck"

    def test_a_run_of_random_weights_is_not_scored(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(list(self.WORDS))
        assert main(["benchmark", "score", "run"]) == 2
        assert "with trained weights" in capsys.readouterr().err

    def test_scoring_again_uses_the_bundle_of_the_run(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(list(self.WORDS))
        asked: list[tuple[str, str]] = []

        def rescore(folder: Path, bundle: Bundle, scenes: object) -> int:
            asked.append((str(folder), bundle.name))
            return 1

        monkeypatch.setattr(import_module("benchmark.rescoring"), "rescore", rescore)
        assert main(["benchmark", "score", "run"]) == 0
        assert asked == [("run", "mini")]
        assert "scored 1 cells of run" in capsys.readouterr().out


@pytest.mark.usefixtures("hollow_bundle")
class TestReport:
    @pytest.mark.parametrize(("words", "page"), [([], "run/report.html"), (["--output", "page.html"], "page.html")])
    def test_the_page_is_written_where_it_is_told(
        self, words: list[str], page: str, somewhere: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(list(TestBenchmark.WORDS))
        assert main(["report", "run", *words]) == 0
        assert f"report: {somewhere / page}" in capsys.readouterr().out
        assert "Unedited" in (somewhere / page).read_text(encoding="utf-8")

    def test_a_folder_without_a_run_is_bad_input(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", "nowhere"]) == 2
        assert "run nowhere" in capsys.readouterr().err
