"""Cells: their order, their settings, and what their results depend on."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from baselines.registry import parse_variant
from benchmark import cells
from benchmark.budgets import QUICK, SMOKE
from benchmark.catalogue import find_edit
from benchmark.cells import Cell, identity_of, plan, settings_of, source_digests

KNIGHT = find_edit("turn-him-into-a-knight")
PANDA = find_edit("turn-the-bear-to-a-panda-bear")


@dataclass(frozen=True)
class Settings:
    image_size: int = 128


def bundle(digest: str = "b", settings: Settings | None = None) -> SimpleNamespace:
    return SimpleNamespace(digest=digest, settings=settings or Settings())


def test_methods_take_turns_on_each_edit() -> None:
    variants = [parse_variant("t2vz"), parse_variant("unedited")]
    planned = plan(variants, [PANDA, KNIGHT], [0, 1])
    assert [(cell.seed, cell.entry.scene, cell.variant.name) for cell in planned[:5]] == [
        (0, "bear", "t2vz"),
        (0, "bear", "unedited"),
        (0, "person", "t2vz"),
        (0, "person", "unedited"),
        (1, "bear", "t2vz"),
    ]
    assert len(planned) == 8


def test_a_cell_lies_under_its_method_scene_edit_and_seed() -> None:
    cell = Cell(parse_variant("i-mix2mix@k=20+f=0.1"), KNIGHT, 3)
    expected = "run/cells/i-mix2mix@k=20+f=0.1/person/turn-him-into-a-knight/seed-3"
    assert cell.folder(Path("run")).as_posix() == expected


def test_the_names_of_a_run_s_cells_differ() -> None:
    planned = plan([parse_variant("t2vz"), parse_variant("t2vz@steps=3")], [PANDA, KNIGHT], [0, 1])
    assert len({cell.name for cell in planned}) == 8
    assert planned[0].name == "t2vz · bear · Turn the bear to a panda bear"
    assert planned[-1].name == "t2vz@steps=3 · person · Turn him into a knight · seed 1"


def test_a_method_takes_those_settings_of_the_budget_that_it_has() -> None:
    assert settings_of(parse_variant("t2vz"), QUICK) == {"steps": QUICK.settings["steps"]}
    assert settings_of(parse_variant("unedited"), QUICK) == {}


def test_a_variant_s_own_settings_win() -> None:
    own = {"first_updates", "k", "warmup", "timesteps", "reference_steps"}
    settings = settings_of(parse_variant("i-mix2mix@k=20"), QUICK)
    assert settings == {name: value for name, value in QUICK.settings.items() if name in own} | {"k": 20}


def test_an_identity_changes_with_everything_that_matters() -> None:
    cell = Cell(parse_variant("i-mix2mix"), KNIGHT, 0)
    stronger = replace(KNIGHT, edit=replace(KNIGHT.edit, text_guidance=9.0))
    identities = [
        identity_of(cell, QUICK, bundle(), "scene"),
        identity_of(replace(cell, seed=1), QUICK, bundle(), "scene"),
        identity_of(replace(cell, entry=PANDA), QUICK, bundle(), "scene"),
        identity_of(replace(cell, entry=stronger), QUICK, bundle(), "scene"),
        identity_of(replace(cell, variant=parse_variant("i-mix2mix@f=0.1")), QUICK, bundle(), "scene"),
        identity_of(cell, SMOKE, bundle(), "scene"),
        identity_of(cell, QUICK, bundle("other weights"), "scene"),
        identity_of(cell, QUICK, bundle(settings=Settings(576)), "scene"),
        identity_of(cell, QUICK, bundle(), "other scene"),
    ]
    assert len({identity.model_dump_json() for identity in identities}) == len(identities)
    assert identity_of(cell, QUICK, bundle(), "scene") == identities[0]


def test_an_external_method_s_cell_depends_on_its_command_and_what_that_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIX2MIX_METHODS", str(tmp_path))
    described, script = tmp_path / "theirs.toml", tmp_path / "run.py"
    text = 'title = "Theirs"\ndescription = "a test"\ncommand = ["python", "run.py", "{folder}"]\n'
    identities = []
    for description, code in ((text, "1"), (text, "2"), (text.replace('"{', '"--fast", "{'), "2"), (text, "1")):
        described.write_text(description)
        script.write_text(code)
        cell = Cell(parse_variant("theirs"), KNIGHT, 0)
        identities.append(identity_of(cell, SMOKE, bundle(), "scene"))
    first, *others, last = identities
    assert first == last
    assert len({identity.model_dump_json() for identity in (first, *others)}) == 3


def test_the_sources_of_the_metrics_are_watched() -> None:
    folder = Path(cells.__file__).parent
    assert all((folder / name).is_file() for name in cells.METRIC_MODULES)
    digests = source_digests()
    assert len({digests.mix2mix, digests.baselines, digests.metrics}) == 3


def test_a_digest_of_sources_changes_with_a_file_deep_inside(tmp_path: Path) -> None:
    inner = tmp_path / "mini" / "world.py"
    inner.parent.mkdir()
    inner.write_text("A = 1")
    (tmp_path / "notes.txt").write_text("of no matter")
    before = cells._digest(cells._modules(tmp_path))
    (tmp_path / "notes.txt").write_text("changed")
    assert cells._digest(cells._modules(tmp_path)) == before
    inner.write_text("A = 2")
    assert cells._digest(cells._modules(tmp_path)) != before
