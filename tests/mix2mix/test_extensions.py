"""What other packages bring is found by their entry points, and nothing wrong with one is passed over."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baselines.api import MethodSpec
from mix2mix import extensions as module
from mix2mix.errors import InputError
from mix2mix.extensions import extensions, load_object, source_digest

Install = Callable[..., Path]

SPECS = """
from baselines.api import MethodSpec

def spec(name, module="theirs.work:Worker"):
    return MethodSpec(name, "Title", None, (), "what it does", module)

GOOD = spec("good")
LOUD = spec("Loud Name")
TAKEN = spec("t2vz")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package `theirs` with these methods, as (name, what) pairs."""

    def make(*points: tuple[str, str], package: str = "theirs") -> Path:
        lines = "\n".join(f"{name} = {value}" for name, value in points)
        files = {
            "theirs/__init__.py": "",
            "theirs/specs.py": SPECS,
            "theirs/work.py": "class Worker: pass",
            f"{package}-1.2.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n",
            f"{package}-1.2.dist-info/entry_points.txt": f"[mix2mix.methods]\n{lines}\n",
        }
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        module._entry_points.cache_clear()
        return tmp_path

    monkeypatch.syspath_prepend(tmp_path)
    module._entry_points.cache_clear()
    yield make
    module._entry_points.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]


def test_a_description_is_found_with_its_origin_and_its_work_is_not_imported(install: Install) -> None:
    install(("good", "theirs.specs:GOOD"))
    (found,) = extensions("methods", MethodSpec, ()).values()
    assert (found.spec.id, found.origin) == ("good", "theirs 1.2")
    assert "theirs.work" not in sys.modules
    assert load_object(found.spec).__name__ == "Worker"


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([("gone", "theirs.specs:GONE")], "entry point 'gone' of theirs 1.2 in mix2mix.methods: got AttributeError: "),
        ([("gone", "theirs.nowhere:GOOD")], "got ModuleNotFoundError: No module named 'theirs.nowhere'"),
        ([("good", "theirs.specs:spec")], "got a function; expected a baselines.api.MethodSpec"),
        ([("other", "theirs.specs:GOOD")], "got a description with id 'good'; expected its own name"),
        ([("Loud Name", "theirs.specs:LOUD")], "got a description with id 'Loud Name'"),
        ([("t2vz", "theirs.specs:TAKEN")], "got an id that is taken; expected one that mix2mix itself has not"),
    ],
)
def test_whatever_is_wrong_is_raised(install: Install, points: list[tuple[str, str]], told: str) -> None:
    install(*points)
    with pytest.raises(InputError, match=re.escape(told)):
        extensions("methods", MethodSpec, ("t2vz",))


def test_two_packages_cannot_bring_one_id(install: Install) -> None:
    install(("good", "theirs.specs:GOOD"))
    install(("good", "theirs.specs:GOOD"), package="others")
    with pytest.raises(InputError, match=r"expected one that \w+ 1\.2 has not"):
        extensions("methods", MethodSpec, ())


def test_the_digest_is_of_all_the_package_s_sources(install: Install) -> None:
    folder = install(("good", "theirs.specs:GOOD"))
    spec = extensions("methods", MethodSpec, ())["good"].spec
    before = source_digest(spec)
    assert source_digest(spec) == before
    (folder / "theirs" / "work.py").write_text("class Worker: changed = True")
    assert source_digest(spec) != before


def test_where_nothing_is_installed_there_is_nothing(install: Install) -> None:
    assert extensions("methods", MethodSpec, ()) == {}
