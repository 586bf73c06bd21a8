"""Every task of the project as one command, ``python -m nox -s NAME -- ARGUMENTS``; ``python -m nox -l`` lists them.

Dependencies come from pyproject.toml. Each session has an environment of its own and reuses it.
"""

import argparse
import tempfile
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "typecheck", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")


def group(name: str) -> tuple[str, ...]:
    """Requirements of one dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style with ruff; `-- --fix` mends what it can."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types with mypy, strictly."""
    session.install("-e", ".", *group("types"))
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.install("-e", ".", *group("test"))
    _pytest(session)


@nox.session(python=["3.11", "3.12", "3.13"])
@nox.parametrize("resolution", ["lowest-direct", "highest"])
def compat(session: nox.Session, resolution: str) -> None:
    """Run the tests on one supported Python with the oldest or the newest dependencies."""
    session.install("-e", ".", *group("test"), "--upgrade", "--resolution", resolution)
    _pytest(session)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Run the benchmark (budget quick unless told otherwise) and write its report."""
    session.install("-e", ".")
    run = _run_folder(session.posargs)
    try:
        session.run("mix2mix", "benchmark", "run", *session.posargs, "--output", run)
    except CommandFailed:
        if Path(run, "run.json").is_file():
            _show(session, run)
        raise
    _show(session, run)


@nox.session
def report(session: nox.Session) -> None:
    """Write the page of a finished run: `-- runs/mini-quick`."""
    session.install("-e", ".")
    session.run("mix2mix", "report", *session.posargs)


@nox.session
def train_mini(session: nox.Session) -> None:
    """Train the mini bundle: one or two hours on one GPU; `-- --help` tells the stages."""
    session.install("-e", ".")
    session.run("python", "-m", "mix2mix.mini.training", "--edits", "benchmark/table6.csv", *session.posargs)


@nox.session
def evaluate_mini(session: nox.Session) -> None:
    """Measure the mini bundle's networks, each by itself, on scenes that training never saw."""
    session.install("-e", ".")
    session.run("python", "-m", "benchmark.evaluation", *session.posargs)


@nox.session
def run_damage(session: nox.Session) -> None:
    """Kill a benchmark at 50 random moments and resume it; damage a run's files in 500 ways and read it."""
    session.install("-e", ".", *group("test"))
    many = {"MIX2MIX_KILLS": "50", "MIX2MIX_CORRUPTIONS": "500"}
    session.run(
        "pytest", "tests/benchmark/test_kills.py", "tests/benchmark/test_corruptions.py", *session.posargs, env=many
    )


@nox.session
def survey_mutations(session: nox.Session) -> None:
    """Put ten thousand damaged rating files through the survey's reader and analysis."""
    session.install("-e", ".", *group("test"))
    many = {"MIX2MIX_MUTATIONS": "10000"}
    session.run("pytest", "tests/survey/test_mutations.py", *session.posargs, env=many)


@nox.session
def survey_calibration(session: nox.Session) -> None:
    """Measure the survey's false positives and coverage in simulated studies, and the time of its exact test."""
    session.install("-e", ".")
    session.run("python", "-m", "survey.timing")
    session.run("python", "-m", "survey.calibration", *session.posargs)


@nox.session
def survey_load(session: nox.Session) -> None:
    """Let 200 simulated raters use the rating app at once; `-- --kill` kills the server midway."""
    session.install("-e", ".", *group("test"))
    session.run("python", "tests/survey/server/load.py", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it away from the sources and run a short edit with it."""
    with tempfile.TemporaryDirectory() as folder:
        session.run("uv", "build", "--wheel", "--out-dir", folder)
        (built,) = Path(folder).glob("*.whl")
        session.install("--reinstall-package", "mix2mix", str(built))
        with session.chdir(folder):
            session.run("mix2mix", "doctor")
            instruction = ("--instruction", "Turn him into a vampire")
            session.run("mix2mix", "edit", "face", *instruction, "--budget", "smoke", *session.posargs)


def _pytest(session: nox.Session) -> None:
    """All tests, in two processes of one thread each: the models are so small that their threads mostly wait."""
    two = ("--numprocesses", "2", "--dist", "loadfile")  # by file, as most fixtures that take long are a module's
    session.run("pytest", *two, *session.posargs, env={"OMP_NUM_THREADS": "1"})


def _show(session: nox.Session, run: str) -> None:
    """Write a run's tables and page, and tell where they are."""
    session.run("mix2mix", "benchmark", "tables", run)
    session.run("mix2mix", "report", run)


def _run_folder(arguments: list[str]) -> str:
    """Where `benchmark run` with these arguments writes."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--bundle", default="mini")
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--table")
    parser.add_argument("--views")
    parser.add_argument("--output")
    known, _ = parser.parse_known_args(arguments)
    table, views = known.table and f"-table-{known.table}", known.views and f"-{known.views}-views"
    return known.output or f"runs/{known.bundle}-{known.budget}{table or ''}{views or ''}"
