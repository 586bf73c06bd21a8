"""The pages in docs/: every command and snippet in them runs, in the order of the page, and every link leads somewhere.

All pages share one folder, in which a smoke run stands for every run that they speak of. A command runs as it stands,
but for those in two tables: `SHORTENED` get options that make them short, `PARSED` are only parsed.
"""

import os
import re
import shlex
import shutil
import sys
from argparse import ArgumentParser
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import indent

import pytest
import torch
import uvicorn
from PIL import Image

from baselines.registry import parse_variant
from benchmark.store import cell_folder, original
from mix2mix.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
OTHERS = ("README.md", "CONTRIBUTING.md")

SHORTENED = {
    'mix2mix edit face --instruction "Turn him into a vampire"': "--budget smoke --method unedited",
    "mix2mix benchmark run": "--budget smoke",
    "mix2mix benchmark run --methods i-mix2mix,i-mix2mix@f=0.1+k=20,t2vz@anchor=1 --seeds 0,1,2": "--budget smoke "
    "--methods t2vz@anchor=1 --seeds 1",
    'mix2mix edit my-photos --instruction "Make him into a marble statue" --frames 0,1 --budget smoke': "--method "
    "unedited",
    "mix2mix survey create runs/mini-full --methods i-mix2mix,dge --output face.toml": "--methods i-mix2mix,t2vz",
    "mix2mix survey serve face.toml": "--port 0",
    "python -m benchmark.products": "--rows 8 --seconds 0.01",
}
"""What is added to a command that takes minutes, repeats an edit of the same page, or wants a method that the smoke run
has not or a port that may be taken; the last option wins."""

GPU = "it needs a GPU, for hours or for models of full size"
PARSED = {
    "mix2mix benchmark run --budget full --table 3": GPU,
    "mix2mix benchmark run --budget full --devices all": GPU,
    "mix2mix benchmark run --budget full --devices cuda:0,cuda:2": GPU,
    "mix2mix benchmark run --budget full --devices cuda:0,cuda:0,cuda:1,cuda:1": GPU,
    "mix2mix benchmark run --budget full --executor ray --address head-node:6379": "it needs a cluster",
    "mix2mix benchmark speed --bundle paper --weights random": GPU,
    "mix2mix benchmark speed --bundle paper --weights random --memory low": GPU,
    "mix2mix benchmark run --bundle paper --weights random --budget full --edits turn-him-into-a-knight --methods "
    "i-mix2mix,igs2gs,dge,t2vz,in2n@edit_steps=3000+fit_steps=3000 --output runs/runtimes": GPU,
    "python -m benchmark.exactness --bundle paper --weights random": GPU,
    "python -m benchmark.tuning i-mix2mix i-mix2mix@lr_max=1e-4 --every 4": GPU,
    'mix2mix edit my-photos --instruction "Make him into a marble statue" --bundle paper': "it needs 15 GB of weights",
    'mix2mix edit my-photos --instruction "Make him into a marble statue" --bundle paper --weights random': GPU,
}
"""Commands that are not run, and why."""

TESTED_ELSEWHERE = {"adding-a-method.md": "tests/docs/test_adding_a_method.py"}
"""Pages whose Python has a test of its own."""

RUNS = ("mini-quick", "mini-full", "before", "after")
"""Runs that the pages speak of, all copies of the smoke run."""

FENCE = re.compile(r"```(\w*)\n(.*?)```\n", re.DOTALL)
COMMAND = re.compile(r"^    ((?:[A-Z0-9_]+=\S+ )*(?:mix2mix|python -m (?:mix2mix|benchmark|survey)\.\S+)\b.*)$", re.M)
INLINE = re.compile(r"`(mix2mix [^`]* --\w[^`]*)`")
"""A command within a sentence, if it is so whole that it has options."""


class ParsedError(Exception):
    """Not an error of the command: its arguments have been parsed, and that was all."""


@dataclass(frozen=True)
class Command:
    """A command as a page shows it, without its comment."""

    text: str

    @property
    def environment(self):
        return dict(word.split("=", 1) for word in self._words if re.fullmatch(r"[A-Z0-9_]+=.*", word))

    @property
    def words(self):
        return self._words[len(self.environment) :]

    @property
    def _words(self):
        return shlex.split(self.text)

    def run(self, added=()):
        """Its exit status, in this process."""
        if self.words[0] == "mix2mix":
            return main([*self.words[1:], *added])
        return import_module(self.words[2]).main([*self.words[3:], *added])


def text_of(page):
    return (DOCS / page).read_text(encoding="utf-8")


def commands(text):
    """Those that stand in a line of their own, and whole ones within sentences, in the order of the page."""
    text = FENCE.sub(lambda block: "" if block[1] else indent(block[2], "    "), text)
    found = sorted([*COMMAND.finditer(text), *INLINE.finditer(text)], key=re.Match.start)
    return [Command(re.sub(r"\s+# .*", "", match[1]).strip()) for match in found]


def blocks(page, language):
    return [body for name, body in FENCE.findall(text_of(page)) if name == language]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The folder in which the pages' commands are given, with the files that they speak of."""
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.chdir(tmp_path_factory.mktemp("desk"))
        patch.setattr(torch.cuda, "device_count", lambda: 0)
        patch.setattr(uvicorn.Server, "main_loop", at_once)
        for name in ("MIX2MIX_METHODS", "MIX2MIX_WEIGHTS"):
            patch.delenv(name, raising=False)
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        Path("docs").symlink_to(DOCS)
        assert main(["benchmark", "run", "--budget", "smoke"]) == 0
        for name in RUNS:
            shutil.copytree("runs/mini-smoke", f"runs/{name}")
        put_views_made_elsewhere()
        put_photos()
        methods = ("--methods", "i-mix2mix,t2vz", "--scenes", "4")
        assert main(["survey", "simulate", *methods, "--output", "ratings.csv"]) == 0
        yield


@contextmanager
def one_thread():
    """Smoke edits gain nothing by more, and on a busy machine threads wait for each other for minutes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


async def at_once(server):
    """Instead of serving until Ctrl-C."""


def put_views_made_elsewhere():
    edit = "give-him-a-venetian-mask"
    run, place = Path("runs/mini-smoke"), Path("our-views/ours/face", edit)
    shutil.copytree(original(run, "face", 0).parent, "our-views/original/face")
    place.mkdir(parents=True)
    for view in cell_folder(run, "t2vz", "face", edit, 0).glob("view_*.png"):
        shutil.copy(view, place)


def put_photos():
    """The example of a transforms.json as the page has it, and pictures of its size under its names."""
    (example,) = blocks("your-own-photos.md", "json")
    Path("my-photos/images").mkdir(parents=True)
    Path("my-photos/transforms.json").write_text(example, encoding="utf-8")
    for index, name in enumerate(re.findall(r'"file_path": "(.*?)"', example)):
        with Image.open(original(Path("runs/mini-smoke"), "face", index)) as view:
            view.resize((640, 480)).save(Path("my-photos", name))


@pytest.fixture
def parse_only(monkeypatch):
    """Makes every command end where its arguments have been parsed."""
    parse = ArgumentParser.parse_args

    def stop(self, *arguments):
        raise ParsedError(parse(self, *arguments))

    monkeypatch.setattr(ArgumentParser, "parse_args", stop)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(text_of(page))])
def test_every_command_of_a_page_runs(desk, page, monkeypatch):
    for command in commands(text_of(page)):
        if command.text in PARSED:
            continue
        for name, value in command.environment.items():
            monkeypatch.setenv(name, value)
        added = shlex.split(SHORTENED.get(command.text, ""))
        assert (command.text, command.run(added)) == (command.text, 0)
        for name in command.environment:
            monkeypatch.delenv(name)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in TESTED_ELSEWHERE and blocks(page, "python")])
def test_every_snippet_of_a_page_runs(desk, page):
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), {})


@pytest.mark.parametrize("page", [*(f"docs/{page}" for page in PAGES), *OTHERS])
def test_every_command_has_arguments_and_methods_that_there_are(page, parse_only, monkeypatch):
    monkeypatch.setenv("MIX2MIX_METHODS", str(DOCS / "external"))
    for command in commands((ROOT / page).read_text(encoding="utf-8")):
        with pytest.raises(ParsedError) as parsed:
            command.run()
        for method in getattr(parsed.value.args[0], "methods", None) or ():
            parse_variant(method)


def test_no_exception_is_made_for_a_command_that_no_page_has():
    shown = {command.text for page in PAGES for command in commands(text_of(page))}
    assert SHORTENED.keys() | PARSED.keys() <= shown
    assert not SHORTENED.keys() & PARSED.keys()


@pytest.mark.parametrize("page", [*(f"docs/{page}" for page in PAGES), *OTHERS])
def test_every_task_that_is_named_is_one_of_nox(page):
    tasks = re.findall(r"nox -s (\w+)", (ROOT / page).read_text(encoding="utf-8"))
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert [task for task in tasks if f"def {task}(session" not in noxfile] == []


@pytest.mark.parametrize("page", [*(f"docs/{page}" for page in PAGES), *OTHERS])
def test_every_link_leads_somewhere(page):
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text(encoding="utf-8"))
    for name, anchor in links:
        target = path.parent / name if name else path
        assert target.exists(), name
        if anchor:
            assert anchor in anchors(target), f"{name}#{anchor}"


def anchors(page):
    """The names of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
