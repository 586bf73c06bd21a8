"""What the project promises as a whole: its packages, who may import whom, what it requires, and its tasks."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import mix2mix
from mix2mix.doctor import OWN_NAMES

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UNTYPED = {"diffusers", "transformers", "open_clip"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {name_of(path): path for package in OWN_NAMES for path in sorted((ROOT / package).rglob("*.py"))}


def imports(module: str, *, lazy: bool = True) -> set[str]:
    """Full names that a module imports when it runs; without `lazy`, when it is itself imported."""
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    return {name for node in statements(tree, lazy) for name in imported(node)}


def statements(tree: ast.AST, lazy: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not lazy and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        yield node
        yield from statements(node, lazy)


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def loaded_with(module: str) -> set[str]:
    """Top-level names that importing a module of ours loads, followed through our own modules."""
    seen: set[str] = set()
    found: set[str] = set()
    left = [module]
    while left:
        current = left.pop()
        names = imports(current, lazy=False)
        found |= top(names)
        parents = {prefix for name in names for prefix in prefixes(name)}
        seen.add(current)
        left += sorted(parents & SOURCES.keys() - seen)
    return found


def prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def of(package: str) -> list[str]:
    return [module for module in SOURCES if module.partition(".")[0] == package]


def test_the_wheel_holds_our_packages_and_no_tests() -> None:
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    on_disk = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert set(packages) == set(OWN_NAMES) == on_disk


def test_the_version_is_told_in_one_voice() -> None:
    assert PYPROJECT["project"]["version"] == mix2mix.__version__


def test_every_requirement_has_a_lower_bound() -> None:
    groups = [line for group in PYPROJECT["dependency-groups"].values() for line in group if isinstance(line, str)]
    requirements = [Requirement(line) for line in PYPROJECT["project"]["dependencies"] + groups]
    unbounded = [item.name for item in requirements if not any(part.operator == ">=" for part in item.specifier)]
    assert unbounded == []


@pytest.mark.parametrize("package", OWN_NAMES)
def test_everything_that_is_imported_is_required(package: str) -> None:
    extras = [line for group in PYPROJECT["project"]["optional-dependencies"].values() for line in group]
    required = {normal(Requirement(line).name) for line in (*PYPROJECT["project"]["dependencies"], *extras)}
    owners = packages_distributions()
    foreign = top({name for module in of(package) for name in imports(module)}) - set(OWN_NAMES)
    missing = {
        name
        for name in foreign - sys.stdlib_module_names
        if not required & {normal(owner) for owner in owners.get(name, [name])}
    }
    assert missing == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("package", "above"),
    [
        ("mix2mix", {"benchmark", "baselines", "survey", "reports"}),
        ("baselines", {"benchmark", "survey", "reports"}),
        ("benchmark", {"survey", "reports"}),
        ("survey", {"baselines", "reports"}),
        ("reports", {"baselines"}),
    ],
)
def test_data_flows_downward_only(package: str, above: set[str]) -> None:
    composing = {"mix2mix.cli", "mix2mix.doctor"}
    modules = [name for name in of(package) if name not in composing and not name.startswith("mix2mix.commands")]
    upward = {module: sorted(top(imports(module)) & above) for module in modules}
    assert {module: names for module, names in upward.items() if names} == {}


def test_the_benchmark_knows_methods_only_through_their_protocol_and_descriptions() -> None:
    known = {name for module in of("benchmark") for name in imports(module) if name.startswith("baselines.")}
    assert {".".join(name.split(".")[:2]) for name in known} <= {"baselines.api", "baselines.registry"}


def test_only_one_module_touches_the_untyped_libraries() -> None:
    assert [module for module in SOURCES if top(imports(module)) & UNTYPED] == ["mix2mix.pretrained"]


@pytest.mark.parametrize(
    "module",
    [
        "mix2mix",
        "mix2mix.cli",
        "mix2mix.bundles",
        "baselines.external_spec",
        "baselines.registry",
        "benchmark.analysis",
        "benchmark.budgets",
        "benchmark.catalogue",
        "benchmark.compare",
        "benchmark.published",
        "benchmark.findings",
        "benchmark.formats",
        "benchmark.paper_tables",
        "benchmark.references",
        "benchmark.results",
        "benchmark.store",
        "benchmark.tables",
        "benchmark.validity",
        "mix2mix.commands.listing",
        *of("survey"),
        *of("reports"),
    ],
)
def test_describing_and_reporting_do_without_torch(module: str) -> None:
    assert not loaded_with(module) & {"torch", "torchvision", *UNTYPED}


def test_no_module_is_too_long_to_be_read_in_one_sitting() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in SOURCES.items()}
    assert {module: length for module, length in lengths.items() if length > 400} == {}


def test_every_task_explains_itself_in_one_line() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    tasks = {
        node.name: ast.get_docstring(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(mark) for mark in node.decorator_list)
    }
    assert {"benchmark", "tests", "lint", "typecheck", "train_mini", "report", "wheel"} <= tasks.keys()
    assert [name for name, text in tasks.items() if not text or "\n" in text] == []


@pytest.mark.parametrize(
    "command", ['python -m pip install "nox[uv]" && python -m nox -s benchmark', "python -m nox -s tests"]
)
def test_the_readme_tells_both_commands_on_its_first_screen(command: str) -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    assert command in [line.strip() for line in first_screen]
